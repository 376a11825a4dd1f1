"""The rules of identity, one module per aggregate."""
