"""Decides whether two records name the same work, and which edition was meant."""
