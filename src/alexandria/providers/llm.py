"""The generators that ask a language model: Gemini, xAI and OpenAI-compatible servers, also local ones."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.providers import book_list, prompts
from alexandria.providers.base import SuggestResult
from alexandria.providers.client import NEGATIVE_LIFETIME, ProviderClient
from alexandria.providers.generator_specs import GeneratorSpec
from alexandria.providers.llm_adapters import ModelAdapter

MAX_PURCHASES = 2  # of one list: an answer without a usable one is asked for once more
SECOND_PURCHASE_DELAY = timedelta(minutes=1)  # between the two, so that a month's next attempts read what is stored
MAX_INLINE_LENGTH = 32_768  # characters; a longer answer is read in a thread, as the event loop has other duties


class LanguageModel:
    """One model as a generator of months."""

    def __init__(self, spec: GeneratorSpec, client: ProviderClient, *, thinking: str = "low") -> None:
        """`thinking` is a value of ALEXANDRIA_THINKING; answers that were stored with another one still serve."""
        self._thinking = thinking
        self.name, self.label = spec.provider, spec.label
        self._spec, self._client = spec, client
        self._adapter: tuple[SecretStr | None, ModelAdapter] | None = None

    async def suggest(self, month: Month, variant: str, count: int) -> SuggestResult:
        """At most `count` books of `month`. The answer is stored before it is read, and read back on a retry.

        One without a usable list is stored too. A later attempt asks once more: for half as many books if the tokens did
        not suffice or the model declined, so that the full price is not paid twice for nothing.
        """
        prompt = prompts.render(variant, month, count)
        question = {"generator": self.label, "prompt": prompt}
        stored = await self._client.read_stored(question)
        answer, at = stored or await self._buy(question, prompt, {})
        books = await self._books_in(answer, month)
        bought = stored is None
        if stored and isinstance(books, errors.ProviderError) and _may_ask_again(answer, at):
            if not _readable(answer):
                prompt = prompts.render(variant, month, -(-count // 2))
            answer, _ = await self._buy(question, prompt, answer)
            books, bought = await self._books_in(answer, month), True
        if bought and (isinstance(books, errors.ProviderError) or not books):
            await self._client.write_cache(question, answer, NEGATIVE_LIFETIME)
        if isinstance(books, errors.ProviderError):
            raise books
        return book_list.judge(books, month, count, self.name)

    async def _buy(
        self, question: dict[str, str], prompt: str, before: dict[str, Any]
    ) -> tuple[dict[str, Any], datetime]:
        """Ask the model and store its answer as it came, in the place of the one `before`."""

        async def send() -> dict[str, Any]:
            answer = await self._speak().ask(prompt)
            spent = before.get("tokens", {})
            tokens = {kind: number + spent.get(kind, 0) for kind, number in answer["tokens"].items()}
            return answer | {"tokens": tokens, "purchases": _purchases(before) + 1}

        return await self._client.fetch_anew(question, send)

    async def _books_in(self, answer: dict[str, Any], month: Month) -> list[Any] | errors.ProviderError:
        """The items of the list in an answer, or the error that it amounts to."""
        if "books" in answer:  # stored by an earlier version, which read it first
            return list(answer["books"])
        if answer["declined"]:
            return errors.ContentRefused(self._client.lane, f"the model declined ({answer['declined']})")
        text, cut_off = answer["text"], answer["finish"] == "length"
        if not text:
            spent = "all tokens went into thinking" if cut_off else answer["finish"] or "no finish reason"
            return errors.BadAnswer(self._client.lane, f"the model's answer is empty ({spent})")
        try:
            if len(text) > MAX_INLINE_LENGTH:
                return await asyncio.to_thread(book_list.list_in, self._client.lane, text, cut_off=cut_off, month=month)
            return book_list.list_in(self._client.lane, text, cut_off=cut_off, month=month)
        except errors.BadAnswer as unreadable:
            return unreadable

    def _speak(self) -> ModelAdapter:
        """The client of the model, created again when the key has changed."""
        key = self._client.key
        if self._adapter is None or self._adapter[0] != key:
            self._adapter = key, ModelAdapter(self._client, self._spec.model, self._spec.url, self._thinking)
        return self._adapter[1]


def _purchases(answer: dict[str, Any]) -> int:
    purchases: int = answer.get("purchases", 0)
    return purchases


def _may_ask_again(answer: dict[str, Any], at: datetime) -> bool:
    return _purchases(answer) < MAX_PURCHASES and datetime.now(UTC) - at >= SECOND_PURCHASE_DELAY


def _readable(answer: dict[str, Any]) -> bool:
    """Whether the model's answer is complete, although not in the form of a list."""
    return not answer["declined"] and answer["finish"] != "length"
