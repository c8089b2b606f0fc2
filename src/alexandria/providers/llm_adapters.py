"""Sends prompts to language models and explains their errors. Only this file and llm_thinking use pydantic-ai, which has the wire formats.

Importing it takes seconds. The SDKs beneath neither retry nor time: our client does both. They see answers alone, in
their own dialect: a refusal is explained from the response as it came, of which they would lose the half.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
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
from pydantic_ai.settings import ModelSettings

from alexandria.core import errors
from alexandria.core.provider_facts import PROVIDERS
from alexandria.core.tls import authorities
from alexandria.providers import book_list, chat_dialect, chat_streams, google_dialect
from alexandria.providers.client import (
    MAX_INLINE_BYTES,
    MAX_WAIT_IN_PLACE,
    ProviderClient,
    address,
    json_of,
    next_midnight,
    proxy_hint,
)
from alexandria.providers.front_pages import wall_before
from alexandria.providers.google_dialect import MAX_TEXT_LENGTH
from alexandria.providers.llm_thinking import thinking_settings
from alexandria.providers.refusal_kinds import Refusal, is_hourly, meaning, read_body, stated_status
from alexandria.providers.refusals import sentence_of, with_sentence
from alexandria.providers.retry_hints import retry_after

PARAMETERS = ModelRequestParameters(
    output_mode="native", output_object=OutputObjectDefinition(json_schema=book_list.SCHEMA, name="BookList")
)
WITHOUT_SCHEMA = ModelRequestParameters()
HOURLY_LIMIT_PAUSE = 600.0  # seconds, when an hour's allowance is used up and no hint is given


class FormatRefused(errors.RequestRefused):
    """The server refuses the form that was requested for the answer."""


class ThinkingRefused(errors.RequestRefused):
    """The server refuses the amount of thinking that was requested."""


class ModelAdapter:
    """One model behind one key. `url` is the place of an OpenAI-compatible server, "" for the provider's own."""

    def __init__(self, client: ProviderClient, model: str, url: str, thinking: str = "low") -> None:
        self._client, self._provider, self._name, self._model_name = client, client.name, client.lane, model
        self._url = url or client.settings.base_url
        gemini = client.name == "gemini"
        http = httpx2.AsyncClient(
            transport=_AnswersOnly(client.http, self._read_google if gemini else self._read_completion),
            headers=client.http.headers,
        )
        self._model = _gemini(client, model, http) if gemini else _compatible(client, model, self._url, http)
        self._settings = thinking_settings(client.name, self._model, thinking)
        self._format = 0  # of RESPONSE_FORMATS; of those before it the server takes none

    async def ask(self, prompt: str) -> dict[str, Any]:
        """The answer as it came: its "text", why it ended ("finish"), the reason if "declined", and the "tokens" spent.

        Raises ProviderError, which quotes neither the key nor the answer.
        """
        tried, settings = self._format, self._settings
        try:
            return await self._ask(prompt, chat_dialect.RESPONSE_FORMATS[tried], settings)
        except FormatRefused:
            if tried + 1 == len(chat_dialect.RESPONSE_FORMATS):
                raise
            self._format = max(self._format, tried + 1)
        except ThinkingRefused:
            if settings is None:
                raise
            self._settings = None
        return await self.ask(prompt)

    async def _ask(self, prompt: str, form: dict[str, Any] | None, settings: ModelSettings | None) -> dict[str, Any]:
        strict = form == chat_dialect.RESPONSE_FORMATS[0]
        if form is not None and not strict:
            settings = (settings or ModelSettings()) | ModelSettings(extra_body={"response_format": form})
        try:
            response = await direct.model_request(
                self._model,
                [ModelRequest.user_text_prompt(prompt)],
                model_settings=settings,
                model_request_parameters=PARAMETERS if strict else WITHOUT_SCHEMA,
                instrument=False,
            )
        except errors.ProviderError as refused:
            problem = refused
        except exceptions.ModelTimeoutError:
            problem = self._client.unreachable("timeout")
        except exceptions.ModelConnectionError as broken:
            ours = _raised_by_us(broken)
            if ours is not None:
                raise ours from None
            problem = self._client.unreachable(_broken(broken))
        except httpx2.HTTPError as broken:  # of which an SDK wraps most, and not all
            problem = self._client.unreachable(type(broken).__name__)
        # The last two for nesting without end, and for a number of 4,300 digits.
        except (exceptions.ModelAPIError, exceptions.UnexpectedModelBehavior, RecursionError, ValueError):
            problem = errors.BadAnswer(self._name, "answered in a form that its dialect does not know")
        else:
            return self._read(response)
        await self._client.pause_if_limited(problem)
        raise problem from None

    def _read(self, response: ModelResponse) -> dict[str, Any]:
        text, finish = google_dialect.parsed_no_more(response.text or ""), response.finish_reason or ""
        if not (text or finish or response.usage.total_tokens):
            raise errors.BadAnswer(self._name, "answered without an answer")
        return {
            "text": text[:MAX_TEXT_LENGTH],
            "finish": "length" if len(text) > MAX_TEXT_LENGTH else finish,
            "declined": _declined(response) if finish == "content_filter" else "",
            "tokens": {"input": response.usage.input_tokens, "output": response.usage.output_tokens},
        }

    def _read_google(self, response: httpx2.Response) -> bytes:
        """The answer in a plain form. Raises ProviderError for a refusal."""
        plain = google_dialect.plain_response(self._body_of(response))
        if plain is None:
            raise errors.BadAnswer(self._name, "answered in a form that its dialect does not know")
        return json.dumps(plain).encode()

    def _read_completion(self, response: httpx2.Response) -> bytes:
        """The completion in OpenAI's own form. Raises ProviderError for a refusal."""
        completion = chat_dialect.plain_completion(self._body_of(response))
        if completion is None:
            raise errors.BadAnswer(self._name, "answered in a form that its dialect does not know")
        return json.dumps(completion).encode()

    def _body_of(self, response: httpx2.Response) -> Any:
        """The JSON body of an answer. Raises ProviderError for a refusal, also for one that is called a success."""
        if not response.is_success:
            raise self._explain(response, meaning(response))
        body = chat_streams.joined(response.text) if self._provider != "gemini" else None
        if body is None:
            body = json_of(self._name, response)
        if isinstance(body, list) and len(body) == 1:  # Google's streams, and some relays, answer with a list
            body = body[0]
        error = chat_dialect.error_in(body)
        if error is None:
            return body
        refusal = meaning(response, stated_status(error) or 400)
        if refusal is Refusal.REQUEST:
            raise errors.BadAnswer(self._name, "answered 200 with an error in the place of an answer")
        raise self._explain(response, refusal)

    def _explain(self, response: httpx2.Response, refusal: Refusal) -> errors.ProviderError:
        status, sentence = response.status_code, sentence_of(response)
        match refusal:
            case Refusal.TOO_FAST:
                summary = with_sentence("too many requests or tokens a minute", sentence)
                wait = retry_after(response)
                if wait is None and is_hourly(read_body(response)):
                    wait = HOURLY_LIMIT_PAUSE
                return errors.RateLimited(self._name, summary, retry_after=wait)
            case Refusal.DAY_SPENT:
                return self._explain_day(response, sentence)
            case Refusal.NO_CREDIT:
                summary = with_sentence("the account has no credit, or no allowance for this model", sentence)
                return errors.NoCredit(self._name, summary)
            case Refusal.CONTENT:
                summary = with_sentence(f"refuses the prompt for its content ({status})", sentence)
                return errors.ContentRefused(self._name, summary)
            case Refusal.KEY:
                summary = with_sentence(f"refuses our key with {status}", sentence)
                return errors.KeyRefused(self._name, summary, hint=f"check {self._client.key_setting}")
            case Refusal.DOWN:
                wall, wait = wall_before(response), retry_after(response)
                summary = f"answered {status} with {wall}" if wall else f"answered {status}"
                hint = proxy_hint(status)
                return errors.ProviderDown(self._name, summary, status=status, retry_after=wait, hint=hint)
        return self._explain_request(response, refusal, sentence)

    def _explain_request(self, response: httpx2.Response, refusal: Refusal, sentence: str) -> errors.RequestRefused:
        kind, hint = errors.RequestRefused, ""
        match refusal:
            case Refusal.MODEL:
                summary = f"knows no model {self._model_name!r}"
                hint = "choose another in ALEXANDRIA_GENERATORS"
            case Refusal.LOCATION:
                summary = "does not serve this machine's location"
                hint = "choose another in ALEXANDRIA_GENERATORS, or run Alexandria where it is served"
            case Refusal.ADDRESS:
                summary = f"answered {response.status_code} at {address(response)}: nothing there answers chats"
                setting = f"ALEXANDRIA_{self._provider.upper()}_BASE_URL"
                setting = "the URL in ALEXANDRIA_GENERATORS" if self._provider == "openai" else setting
                hint = f"correct {setting}; a URL with a path is used as it is, to another /v1 is added"
            case Refusal.FORMAT if self._provider != "gemini":
                kind, summary = FormatRefused, f"refuses the requested form of the answer with {response.status_code}"
            case Refusal.THINKING:
                kind, summary = ThinkingRefused, f"refuses the setting for thinking with {response.status_code}"
                hint = "set ALEXANDRIA_THINKING=default"
            case _:
                summary = f"refuses the request with {response.status_code}"
        return kind(self._name, with_sentence(summary, sentence), hint=hint)

    def _explain_day(self, response: httpx2.Response, sentence: str) -> errors.ProviderError:
        """Google names a short wait even where the day is spent; of others the hint counts."""
        google, wait = read_body(response).google, retry_after(response)
        if not google and wait and wait <= MAX_WAIT_IN_PLACE:
            summary = with_sentence("too many requests or tokens for now", sentence)
            return errors.RateLimited(self._name, summary, retry_after=wait)
        until = next_midnight(self._zone(google=google))
        if not google and wait:  # an instant that has passed is none
            until = datetime.now(UTC) + timedelta(seconds=wait)
        return errors.QuotaSpent(self._name, with_sentence("the day's allowance is used up", sentence), until=until)

    def _zone(self, *, google: bool) -> str:
        """The zone of the provider's day; Google's, if it is reached through its OpenAI-compatible API."""
        return PROVIDERS["gemini"].limits.zone if google and self._provider == "openai" else self._client.settings.zone


class _AnswersOnly(httpx2.AsyncBaseTransport):
    """Sends through our client and gives the SDK what `read` makes of the response; its errors pass through the SDK."""

    def __init__(self, http: httpx2.AsyncClient, read: Callable[[httpx2.Response], bytes]) -> None:
        self._http, self._read = http, read

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._http.send(request)
        if len(response.content) > MAX_INLINE_BYTES:
            answer = await asyncio.to_thread(self._read, response)
        else:
            answer = self._read(response)
        return httpx2.Response(200, content=answer, headers={"Content-Type": "application/json"})


def _gemini(client: ProviderClient, model: str, http: httpx2.AsyncClient) -> Model:
    trust = (
        authorities()
    )  # for requests that the SDK never makes here, but for which it reads the authorities again each time
    options = HttpOptions(
        httpx_async_client=http,
        base_url=client.settings.base_url,
        retry_options=HttpRetryOptions(attempts=1),
        client_args={"verify": trust},
        async_client_args={"verify": trust, "ssl": trust},
    )
    sdk = Client(vertexai=False, api_key=client.secret(), http_options=options)
    return GoogleModel(model, provider=GoogleProvider(client=sdk))


def _compatible(client: ProviderClient, model: str, url: str, http: httpx2.AsyncClient) -> Model:
    """xAI, and the servers that speak the same dialect; of these, the ones run at home want no key."""
    others = client.name == "openai"
    sdk = AsyncOpenAI(
        base_url=chat_dialect.complete_url(url) if others or re.search(r"/v\d+$", url) else f"{url}/v1",
        api_key="none" if others and client.key is None else client.secret(),
        default_query=dict(parse_qsl(urlsplit(url).query)),
        http_client=http,
        max_retries=0,
    )
    return OpenAIChatModel(model, provider=OpenAICompatibleProvider(client.name, openai_client=sdk))


def _declined(response: ModelResponse) -> str:
    details = response.provider_details or {}
    return str(details.get("block_reason") or details.get("finish_reason") or "refusal")


def _raised_by_us(refused: exceptions.ModelAPIError) -> errors.AlexandriaError | None:
    """The error that our own transport raised, such as a pause of the provider, beneath the SDK's wrapping."""
    return next((cause for cause in errors.causes(refused) if isinstance(cause, errors.AlexandriaError)), None)


def _broken(refused: exceptions.ModelConnectionError) -> str:
    """The name of what broke, beneath the SDK's wrapping."""
    return type(errors.origin(refused)).__name__
