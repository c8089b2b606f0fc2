"""A local copy of other people's catalogues, from which most books are found without a request."""
