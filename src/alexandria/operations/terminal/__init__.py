"""What a terminal shows that the server can render, too, so that both say the same."""
