"""Settings -> a running system; alone names concrete providers."""
