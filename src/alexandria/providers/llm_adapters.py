"""Sends prompts to language models and explains their errors: Gemini, and any server that speaks OpenAI's dialect."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from alexandria.core import errors
from alexandria.core.provider_facts import PROVIDERS
from alexandria.providers import book_list, chat_dialect, chat_streams, google_dialect
from alexandria.providers.client import (
    MAX_WAIT_IN_PLACE,
    ProviderClient,
    Request,
    address,
    json_of,
    next_midnight,
    proxy_hint,
)
from alexandria.providers.front_pages import wall_before
from alexandria.providers.llm_thinking import thinking_settings
from alexandria.providers.model_answer import ModelAnswer
from alexandria.providers.refusal_kinds import Refusal, is_hourly, meaning, read_body, stated_status
from alexandria.providers.refusals import sentence_of, with_sentence
from alexandria.providers.retry_hints import retry_after

SCHEMA_NAME = "BookList"
GOOGLE_SCHEMA = book_list.SCHEMA | {"title": SCHEMA_NAME}
RESPONSE_FORMATS = chat_dialect.response_formats(SCHEMA_NAME, book_list.SCHEMA)
ACCEPT = {"Accept": "application/json"}
HOURLY_LIMIT_PAUSE = 600.0  # seconds, when an hour's allowance is used up and no hint is given
COUNTS_THINKING_APART = "api.x.ai"  # beside the tokens of the completion, which others count it among


class FormatRefused(errors.RequestRefused):
    """The server refuses the form that was requested for the answer."""


class ThinkingRefused(errors.RequestRefused):
    """The server refuses the amount of thinking that was requested."""


class ModelAdapter:
    """One model behind one key. `url` is the place of an OpenAI-compatible server, "" for the provider's own."""

    def __init__(self, client: ProviderClient, model: str, url: str, thinking: str = "low") -> None:
        self._client, self._provider, self._name, self._model_name = client, client.name, client.lane, model
        self._google = client.name == "gemini"
        self._settings = thinking_settings(client.name, model, thinking)
        self._format = 0  # of RESPONSE_FORMATS; of those before it the server takes none
        self._query: dict[str, str] = {}
        if self._google:
            self._url = google_dialect.request_url(client.settings.base_url, model)
            self._key_header = "x-goog-api-key", client.secret()
            return
        others, base_url = client.name == "openai", url or client.settings.base_url
        if others or re.search(r"/v\d+$", base_url):
            base_url, self._query = chat_dialect.complete_url(base_url), chat_dialect.query_of(base_url)
        else:
            base_url = f"{base_url}/v1"
        self._url = base_url + chat_dialect.CHAT_PATH
        key = "none" if others and client.key is None else client.secret()  # servers at home want none
        self._key_header = "Authorization", f"Bearer {key}"
        self._thinking_apart = not others or httpx2.URL(self._url).host == COUNTS_THINKING_APART

    async def ask(self, prompt: str) -> dict[str, Any]:
        """The answer as it came: its "text", why it ended ("finish"), the reason if "declined", and the "tokens" spent.

        Raises ProviderError, which quotes neither the key nor the answer.
        """
        tried, settings = self._format, self._settings
        try:
            return await self._client.send_once(self._request(prompt, tried, settings), self._read)
        except FormatRefused:
            if tried + 1 == len(RESPONSE_FORMATS):
                raise
            self._format = max(self._format, tried + 1)
        except ThinkingRefused:
            if settings is None:
                raise
            self._settings = None
        return await self.ask(prompt)

    def _request(self, prompt: str, form: int, settings: dict[str, Any] | None) -> Request:
        if self._google:
            body = google_dialect.request_body(prompt, GOOGLE_SCHEMA, settings)
        else:
            body = chat_dialect.request_body(self._model_name, prompt, RESPONSE_FORMATS[form], settings)
        return Request("POST", self._url, self._query, body, ACCEPT, sign=self._sign, explain=_explained_when_read)

    def _sign(self, request: httpx2.Request) -> httpx2.Request:
        name, key = self._key_header
        request.headers[name] = key
        return request

    def _read(self, response: httpx2.Response) -> dict[str, Any]:
        """The answer as `ask` returns it. Raises ProviderError for a refusal."""
        body = self._body_of(response)
        try:
            answer = self._answer_in(body)
        except (RecursionError, ValueError):  # for nesting without end, and for a number of 4,300 digits
            answer = None
        if answer is None:
            raise errors.BadAnswer(self._name, "answered in a form that its dialect does not know")
        if answer.is_empty:
            raise errors.BadAnswer(self._name, "answered without an answer")
        return answer.stored()

    def _answer_in(self, body: Any) -> ModelAnswer | None:
        if self._google:
            return google_dialect.read_response(body)
        return chat_dialect.read_completion(body, thinking_apart=self._thinking_apart)

    def _body_of(self, response: httpx2.Response) -> Any:
        """The JSON body of an answer. Raises ProviderError for a refusal, also for one that is called a success."""
        if not response.is_success:
            raise self._explain(response, meaning(response))
        body = None if self._google else chat_streams.joined(response.text)
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
            case Refusal.FORMAT if not self._google:
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


def _explained_when_read(response: httpx2.Response) -> None:
    """Refusals are explained with the answers, as large ones are read in a thread."""
