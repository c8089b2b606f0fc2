"""Sends prompts to language models and explains their errors. Only this file and llm_thinking use pydantic-ai, which has the wire formats.

Importing it takes seconds. The SDKs beneath neither retry nor time: our client does both."""

from __future__ import annotations

import re
from typing import Any

from google.genai import Client
from google.genai.types import HttpOptions, HttpRetryOptions
from openai import AsyncOpenAI
from pydantic_ai import direct, exceptions
from pydantic_ai.messages import ModelRequest, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from alexandria.core import errors
from alexandria.core.tls import authorities
from alexandria.providers import book_list
from alexandria.providers.client import ProviderClient, next_midnight
from alexandria.providers.llm_thinking import thinking_settings

PARAMETERS = ModelRequestParameters(
    output_mode="native", output_object=OutputObjectDefinition(json_schema=book_list.SCHEMA, name="BookList")
)
MAX_TEXT_LENGTH = 1_000_000  # characters of an answer that are kept; a list of 100 books has 20,000
NO_ALLOWANCE = re.compile(r"\blimit: 0\b|\bquotaValue 0\b")  # Gemini's other refusals speak of billing too
NO_MONEY = re.compile(r"available credits|spending limit|insufficient_quota|current quota|billing", re.IGNORECASE)
DAILY = re.compile(r"per[ _-]?day|\bdaily\b|\bRPD\b", re.IGNORECASE)
WRONG_KEY = re.compile(r"api[ _-]?key", re.IGNORECASE)


class ModelAdapter:
    """One model behind one key. `url` is the place of an OpenAI-compatible server, "" for the provider's own."""

    def __init__(self, client: ProviderClient, model: str, url: str, thinking: str = "low") -> None:
        self._client, self._name, self._model_name = client, client.name, model
        self._model = _gemini(client, model) if client.name == "gemini" else _compatible(client, model, url)
        self._settings = thinking_settings(client.name, self._model, thinking)

    async def ask(self, prompt: str) -> dict[str, Any]:
        """The answer as it came: its "text", why it ended ("finish"), the reason if "declined", and the "tokens" spent.

        Raises ProviderError, which quotes neither the key nor the answer.
        """
        try:
            response = await direct.model_request(
                self._model,
                [ModelRequest.user_text_prompt(prompt)],
                model_settings=self._settings,
                model_request_parameters=PARAMETERS,
                instrument=False,
            )
        except exceptions.ModelAPIError as refused:
            problem = self._explain(refused)
        # The SDKs parse the answer too: they stumble over nesting without end, and over a number of 4,300 digits.
        except (exceptions.UnexpectedModelBehavior, RecursionError, ValueError):
            problem = errors.BadAnswer(self._name, "answered in a form that its dialect does not know")
        else:
            return self._read(response)
        await self._client.pause_if_limited(problem)
        raise problem from None

    def _read(self, response: ModelResponse) -> dict[str, Any]:
        text, finish = response.text or "", response.finish_reason or ""
        if not (text or finish or response.usage.total_tokens):
            raise errors.BadAnswer(self._name, "answered without an answer")
        return {
            "text": text[:MAX_TEXT_LENGTH],
            "finish": "length" if len(text) > MAX_TEXT_LENGTH else finish,
            "declined": _declined(response) if finish == "content_filter" else "",
            "tokens": {"input": response.usage.input_tokens, "output": response.usage.output_tokens},
        }

    def _explain(self, refused: exceptions.ModelAPIError) -> errors.ProviderError:
        match refused:
            case exceptions.ModelHTTPError():
                return self._explain_status(refused.status_code, _said(refused.body), refused.retry_after)
            case exceptions.ModelTimeoutError():
                return self._client.unreachable("timeout")
            case exceptions.ModelConnectionError():
                return self._client.unreachable(_broken(refused))
            case _:
                return errors.BadAnswer(self._name, "answered with something that cannot be read")

    def _explain_status(self, status: int, said: str, wait: float | None) -> errors.ProviderError:
        if status == 429:
            return self._explain_limit(said, wait)
        if status == 402 or (status == 400 and "billing" in said):
            return errors.NoCredit(self._name, "the account has no credit, or none for this country")
        if status in {401, 403} or (status == 400 and WRONG_KEY.search(said)):
            return errors.KeyRefused(
                self._name,
                f"refuses our key with {status}",
                hint=f"check {self._client.facts.key and self._client.facts.key.name}",
            )
        if status == 404 or "model_not_found" in said:
            known = f"knows no model {self._model_name!r}"
            return errors.RequestRefused(self._name, known, hint="choose another in ALEXANDRIA_GENERATORS")
        if status == 408 or status >= 500:
            return errors.ProviderDown(self._name, f"answered {status}")
        return errors.RequestRefused(self._name, f"refuses the request with {status}")

    def _explain_limit(self, said: str, wait: float | None) -> errors.ProviderError:
        if (NO_ALLOWANCE if self._name == "gemini" else NO_MONEY).search(said):
            return errors.NoCredit(self._name, "the account has no credit or no allowance for this model")
        if DAILY.search(said):
            until = next_midnight(self._client.settings.zone)
            return errors.QuotaSpent(self._name, "the day's allowance is used up", until=until)
        return errors.RateLimited(self._name, "too many requests or tokens a minute", retry_after=wait)


def _gemini(client: ProviderClient, model: str) -> Model:
    trust = authorities()  # for ways that the SDK never goes here, but reads the authorities anew for each
    options = HttpOptions(
        httpx_async_client=client.http,
        base_url=client.settings.base_url,
        retry_options=HttpRetryOptions(attempts=1),
        client_args={"verify": trust},
        async_client_args={"verify": trust, "ssl": trust},
    )
    sdk = Client(vertexai=False, api_key=client.secret(), http_options=options)
    return GoogleModel(model, provider=GoogleProvider(client=sdk))


def _compatible(client: ProviderClient, model: str, url: str) -> Model:
    """xAI, and the servers that speak the same dialect; of these, the ones run at home want no key."""
    base = url or client.settings.base_url
    sdk = AsyncOpenAI(
        base_url=base if re.search(r"/v\d+$", base) else f"{base}/v1",
        api_key="none" if url and client.key is None else client.secret(),
        http_client=client.http,
        max_retries=0,
    )
    return OpenAIChatModel(model, provider=OpenAICompatibleProvider(client.name, openai_client=sdk))


def _declined(response: ModelResponse) -> str:
    details = response.provider_details or {}
    return str(details.get("block_reason") or details.get("finish_reason") or "refusal")


def _broken(refused: exceptions.ModelConnectionError) -> str:
    """The name of what broke, beneath the SDK's wrapping."""
    cause = refused.__cause__
    while cause is not None and cause.__cause__ is not None:
        cause = cause.__cause__
    return type(cause or refused).__name__


def _said(body: object) -> str:
    """All texts of an error body in one line, to look for the words that tell one refusal from another."""
    match body:
        case dict():
            return " ".join(f"{key} {_said(value)}" for key, value in body.items())
        case list():
            return " ".join(map(_said, body))
        case _:
            return "" if body is None else str(body)
