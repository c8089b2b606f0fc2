"""What a terminal shows that the server can render, too, so that both say the same."""

STATUS_PATH, TOKEN_HEADER = "/api/local/status", "X-Process-Token"  # by which a command asks the server of its account
