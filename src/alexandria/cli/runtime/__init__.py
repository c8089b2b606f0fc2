"""What commands run on: processes, signals, the system and the demo."""
