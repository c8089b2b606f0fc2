"""Works, editions and contributors, and how they are compared, stored and exported."""
