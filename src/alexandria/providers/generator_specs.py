"""Reads the setting that lists the generators, without importing any of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from alexandria.core import errors
from alexandria.core.provider_facts import LOCAL_GENERATORS, PROVIDERS
from alexandria.core.servers import server_of

SETTING = "ALEXANDRIA_GENERATORS"


@dataclass(frozen=True, slots=True)
class GeneratorSpec:
    """One entry of the setting; `model` and `url` are empty for a generator without models."""

    provider: str
    model: str = ""
    url: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it reads our own database, without a request."""
        return self.provider in LOCAL_GENERATORS

    @property
    def label(self) -> str:
        return self.provider + (f":{self.model}" if self.model else "") + (f"@{self.url}" if self.url else "")


def parse_generators(entries: Sequence[str]) -> list[GeneratorSpec]:
    """The setting's generators, each once, in their order. Raises Misconfigured, naming the setting."""
    specs = list(dict.fromkeys(map(_spec, entries)))
    if not specs:
        raise errors.Misconfigured(f"setting {SETTING}: no generator", hint="e.g. gemini:gemini-3.5-flash,wikidata")
    return specs


def requested(entries: Sequence[str]) -> list[GeneratorSpec]:
    """Those of the setting's generators that are asked by requests. Raises Misconfigured as `parse_generators` does."""
    return [spec for spec in parse_generators(entries) if not spec.is_local]


def _spec(entry: str) -> GeneratorSpec:
    provider, colon, model = entry.partition(":")
    forms: dict[str, str] = {name: facts.model for name, facts in PROVIDERS.items() if facts.generator}
    forms = dict.fromkeys(LOCAL_GENERATORS, "") | forms
    form = forms.get(provider)
    at_url = re.fullmatch(r"([^\s@]+)@(https?://[^\s@]+)", model)
    if form == "" and not colon:
        return GeneratorSpec(provider)
    if form == "MODEL" and re.fullmatch(r"[^\s@?#]+", model) and ".." not in model:  # it is a part of an address
        return GeneratorSpec(provider, model)
    if form == "MODEL@URL" and at_url and _is_address(at_url[2]):
        return GeneratorSpec(provider, at_url[1], at_url[2].rstrip("/"))
    model = entry.partition("@")[0]  # behind the @ a password might stand
    *others, last = [f"{name}:{form}".rstrip(":") for name, form in forms.items()]
    raise errors.Misconfigured(
        f"setting {SETTING}: {model!r} is no generator",
        hint=f"a generator is {', '.join(others)} or {last} (its key goes to OPENAI_API_KEY_ and its host)",
    )


def _is_address(url: str) -> bool:
    try:
        return bool(server_of(url))
    except ValueError:  # such as a port that is no number, or a bracket without its end
        return False
