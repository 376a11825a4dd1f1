"""Attacks on a platform that runs: who may do what, cell by cell, and what its OpenAPI document promises."""
