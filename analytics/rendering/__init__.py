"""Figures as text for spreadsheets, as pictures and as pages to print. Nothing here asks for anything."""
