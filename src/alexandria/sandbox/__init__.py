"""A server that speaks the providers' wire formats over real books."""
