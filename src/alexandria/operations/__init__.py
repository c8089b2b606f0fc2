"""What an operator can do and see, the same for HTTP, page and command line."""
