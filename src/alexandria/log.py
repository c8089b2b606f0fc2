"""How do we log? One structured line an event, secrets masked."""
