"""The command line: the same verbs as the HTTP API."""

from alexandria.cli.main import main

__all__ = ["main"]
