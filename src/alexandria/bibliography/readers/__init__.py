"""Readers of the forms in which catalogues are given away; each gives neutral rows."""
