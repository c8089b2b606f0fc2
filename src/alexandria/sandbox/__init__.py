"""The provider sandbox: one server that speaks the providers' wire formats over real books, deterministic by seed."""

from __future__ import annotations

from alexandria.sandbox.app import create_app, environment, serve
from alexandria.sandbox.settings import SandboxSettings

__all__ = ["SandboxSettings", "create_app", "environment", "serve"]
