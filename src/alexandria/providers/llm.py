"""The generators that ask a language model: Gemini, xAI and OpenAI-compatible servers, also local ones."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS
from alexandria.providers import book_list, prompts
from alexandria.providers.base import SuggestResult
from alexandria.providers.client import ProviderClient

if TYPE_CHECKING:
    from alexandria.providers.llm_adapters import ModelAdapter

SETTING = "ALEXANDRIA_GENERATORS"


@dataclass(frozen=True, slots=True)
class GeneratorSpec:
    """One entry of the setting; `model` and `url` are empty for a generator without models."""

    provider: str
    model: str = ""
    url: str = ""

    @property
    def label(self) -> str:
        return self.provider + (f":{self.model}" if self.model else "") + (f"@{self.url}" if self.url else "")


def parse_generators(entries: Sequence[str]) -> list[GeneratorSpec]:
    """The setting's generators, each once, in their order. Raises Misconfigured, naming the setting."""
    specs = list(dict.fromkeys(map(_spec, entries)))
    if not specs:
        raise errors.Misconfigured(f"setting {SETTING}: no generator", hint="e.g. gemini:gemini-3.5-flash,wikidata")
    return specs


def _spec(entry: str) -> GeneratorSpec:
    provider, colon, model = entry.partition(":")
    generators = {name: facts for name, facts in PROVIDERS.items() if facts.generator}
    form = generators[provider].model if provider in generators else None
    at_url = re.fullmatch(r"([^\s@]+)@(https?://[^\s@]+)", model)
    if form == "" and not colon:
        return GeneratorSpec(provider)
    if form == "MODEL" and re.fullmatch(r"[^\s@]+", model):
        return GeneratorSpec(provider, model)
    if form == "MODEL@URL" and at_url:
        return GeneratorSpec(provider, at_url[1], at_url[2].rstrip("/"))
    shown = entry.partition("@")[0]  # behind the @ a password might stand
    *others, last = [f"{name}:{facts.model}".rstrip(":") for name, facts in generators.items()]
    raise errors.Misconfigured(
        f"setting {SETTING}: {shown!r} is no generator",
        hint=f"a generator is {', '.join(others)} or {last} (a key goes to OPENAI_API_KEY)",
    )


class LanguageModel:
    """One model as a generator of months."""

    def __init__(self, spec: GeneratorSpec, client: ProviderClient, *, thinking: str = "low") -> None:
        """`thinking` is a value of ALEXANDRIA_THINKING; answers that were stored with another one still serve."""
        self._thinking = thinking
        self.name, self.label = spec.provider, spec.label
        self._spec, self._client = spec, client
        self._adapter: tuple[SecretStr | None, ModelAdapter] | None = None

    async def suggest(self, month: Month, variant: str, count: int) -> SuggestResult:
        """At most `count` books of `month`. The list is stored before it is judged, and read back on a retry."""
        prompt = prompts.render(variant, month, count)

        async def fetch() -> dict[str, Any]:
            adapter = await asyncio.to_thread(self._speak)  # the first call imports for seconds
            return await adapter.ask(prompt)

        request = {"generator": self.label, "prompt": prompt}
        answer, _ = await self._client.cached(request, fetch, empty=lambda answer: not answer["books"])
        return book_list.judge(answer["books"], month, count, self.name)

    def _speak(self) -> ModelAdapter:
        """The way to ask, made anew when the key has changed."""
        key = self._client.key
        if self._adapter is None or self._adapter[0] != key:
            from alexandria.providers.llm_adapters import ModelAdapter  # noqa: PLC0415  # it imports for seconds

            self._adapter = key, ModelAdapter(self._client, self._spec.model, self._spec.url, self._thinking)
        return self._adapter[1]
