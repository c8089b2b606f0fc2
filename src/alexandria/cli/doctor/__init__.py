"""The checks of `alexandria doctor`."""
