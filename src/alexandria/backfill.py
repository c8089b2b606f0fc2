"""Schedule months, process one month."""
