"""The command line: the same verbs as the HTTP API."""

from alexandria.cli.app import main

__all__ = ["main"]
