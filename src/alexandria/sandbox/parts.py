"""The parts of the sandbox, one a provider, as the rows of `core.provider_facts.PROVIDERS` name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria.core.provider_facts import PROVIDERS, resolve

if TYPE_CHECKING:
    from alexandria.sandbox.provider import ProviderSandbox


def provider_names() -> tuple[str, ...]:
    """Every provider that the sandbox plays."""
    return tuple(name for name, facts in PROVIDERS.items() if facts.sandbox)


def part(name: str) -> type[ProviderSandbox]:
    """The class that plays a provider."""
    found: type[ProviderSandbox] = resolve(PROVIDERS[name].sandbox)
    return found
