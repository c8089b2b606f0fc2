"""What nearly every command does first and once: done in the process that forks, it need not be done in its forks."""

import anyio._backends._asyncio  # noqa: F401 # the first request of an HTTP client imports it

from alexandria.catalogue.matching.vocabulary import is_english
from alexandria.cli.main import command_of
from alexandria.core.tls import authorities
from alexandria.sandbox.clock import Clock
from alexandria.sandbox.settings import SandboxSettings
from alexandria.sandbox.state import SandboxState

for name in ("up", "sandbox", "status", "schedule"):
    command_of(name)
is_english("word")
authorities()
SandboxState.of(SandboxSettings(), Clock())
