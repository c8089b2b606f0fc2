"""What every package may use: configuration, errors, logging, months."""
