"""Names the servers of a provider that has several, as each has limits and outages of its own.

A provider at one server is limited under its own name. Of several servers each is limited under PROVIDER@SERVER, and
SERVER is the host, with the port where the URL has one. Each may have a key of its own.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from alexandria.core.provider_facts import PROVIDERS

DEFAULT_PORTS = {"http": 80, "https": 443}
ENTRY = re.compile(r"([a-z_]+):[^\s@]+@(https?://[^\s@]+)")  # of ALEXANDRIA_GENERATORS


def server_of(url: str) -> str:
    """Return the server of a URL: its host, and its port unless that is the usual one. Raises ValueError."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if not host:
        raise ValueError("the URL has no host")
    host = f"[{host}]" if ":" in host else host
    return host if port in {None, DEFAULT_PORTS.get(parts.scheme)} else f"{host}:{port}"


def servers(generators: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The servers of each provider that has any, by the entries of ALEXANDRIA_GENERATORS."""
    found: dict[str, dict[str, None]] = {}
    for entry in generators:
        parts = ENTRY.fullmatch(entry)
        with contextlib.suppress(ValueError):  # such an entry is refused where it is used
            if parts and parts[1] in PROVIDERS and PROVIDERS[parts[1]].model == "MODEL@URL":
                found.setdefault(parts[1], {})[server_of(parts[2])] = None
    return {provider: tuple(places) for provider, places in found.items()}


def several_servers(generators: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each server of the providers that have several, with its provider."""
    for provider, places in servers(generators).items():
        if len(places) > 1:
            yield from ((provider, server) for server in places)


def key_variable(provider_key: str, server: str) -> str:
    """Return the name of the setting that has a server's own key, such as OPENAI_API_KEY_API_GROQ_COM."""
    return f"{provider_key}_{'_'.join(re.findall(r'[A-Z0-9]+', server.upper()))}"


def shares_key(provider: str, server: str, places: Sequence[str]) -> bool:
    """Return whether the provider's key is also that of a server without one: of its own server, or of the only one.

    A key of one server must not reach another, which may be somebody else's.
    """
    return places == (server,) or server == PROVIDERS[provider].own_server


def provider_of(lane: str) -> str:
    """Return the provider of a name like PROVIDER@SERVER, or of its own name."""
    return lane.partition("@")[0]


def message_pattern(lane: str) -> str:
    """Return PostgreSQL's expression for the messages of a provider: those of all its servers, or of the one named."""
    return f"(^|[^a-z_]){re.escape(lane)}{'' if '@' in lane else '(@[^ ]+)?'}: "
