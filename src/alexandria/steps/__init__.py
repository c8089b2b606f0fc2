"""The steps of the walk of one month; they never import each other."""
