"""The HTTP client for one provider: limits, time-outs, retries, Retry-After, redaction and stored responses."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx2
from pydantic import SecretStr

from alexandria import __name__ as product
from alexandria.core import errors, tracing
from alexandria.core.config import ProviderSettings
from alexandria.core.provider_facts import MAX_BUSY_TRIES, PROVIDERS, ProviderFacts
from alexandria.core.proxies import EnvironmentTransport
from alexandria.core.redaction import masked_long, protect
from alexandria.core.retrying import RetryingCaller
from alexandria.core.stall import StallMonitor
from alexandria.providers.bodies import ACCEPT_ENCODING, AnswerTooLarge
from alexandria.providers.charging import charge_attributes, is_charged
from alexandria.providers.front_pages import in_place_of_answer, wall_before
from alexandria.providers.json_bodies import json_in
from alexandria.providers.limits.breaker import CircuitBreaker
from alexandria.providers.limits.concurrency import ConcurrencyLimiter
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.metering import NO_ANSWER_STATUSES, MeteredTransport
from alexandria.providers.redirects import stays_on_site
from alexandria.providers.refusals import sentence_of, with_sentence
from alexandria.providers.response_cache import ResponseCache
from alexandria.providers.retry_hints import header_wait, retry_after

T = TypeVar("T")

CONNECTION_LIMITS = httpx2.Limits(keepalive_expiry=2.0)  # seconds; a server that closes first loses a request
MAX_REDIRECTS = 5  # of one request; each is a request of its own within the limits
MAX_INLINE_BYTES = 2**18  # bytes; a larger body is read in a thread, as the event loop has other duties
MAX_DEPTH = 64  # levels of nesting that are stored
MAX_TRIES = 3  # sends of one request before its error is reported
MAX_LONG_CALL_TRIES = 2  # sends of one request to a language model that gives no answer in time
MIN_PAUSE = 1.0  # seconds that a provider is left alone after a refusal, whatever its hint
MAX_WAIT_IN_PLACE = 30.0  # seconds that a caller waits for a provider's hint; longer hints are raised to the caller
NO_CREDIT_PAUSE = timedelta(hours=1)  # after the first report of no credit; the rate limiter makes the next ones a day
MISSING_KEY_CHECK_INTERVAL = 10.0  # seconds between two looks whether a key that was missing is there now
NEGATIVE_LIFETIME = timedelta(hours=20)  # "not found" may be true tomorrow


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `path` starts at the provider's base URL, or is a whole URL; `body` is JSON data; `units` is what it costs.

    `sign` adds the key to the request on its way out; neither it nor `headers` is part of the storage key.
    `explain` turns a response into one of our errors, or None if it is an answer.
    """

    method: str
    path: str
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    units: int = 1
    sign: Callable[[httpx2.Request], httpx2.Request] | None = None
    explain: Callable[[httpx2.Response], errors.ProviderError | None] | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What identifies the request; JSON data."""
        return {"method": self.method, "path": self.path, "params": dict(self.params), "body": self.body}


class ProviderClient:
    """The HTTP client for one provider. `reload_key` reads the key again when the provider refuses the present one.

    `lane` is the name under which its requests are limited, and which its errors have: that of the provider, or of one
    of its servers. `concurrency_limiter` bounds the requests in flight; the `breaker` is that of the rate limiter;
    `stall` notices when this process stands still; `inner` replaces the network in tests.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        rate_limiter: RateLimiter,
        cache: ResponseCache,
        *,
        contact: str,
        version: str,
        reload_key: Callable[[], SecretStr | None] | None = None,
        inner: httpx2.AsyncBaseTransport | None = None,
        concurrency_limiter: ConcurrencyLimiter | None = None,
        breaker: CircuitBreaker | None = None,
        stall: StallMonitor | None = None,
    ) -> None:
        self.settings = settings
        self.name, self.lane = settings.name, settings.lane
        self.key = settings.key
        _protect(self.key)  # a provider may quote it in a refusal
        self._reload_key, self._missing_key_checked = reload_key, -math.inf
        self._rate_limiter, self._cache = rate_limiter, cache
        agent = user_agent(version, contact, anonymous=self.facts.anonymous_rate is not None)
        inner = inner or EnvironmentTransport(CONNECTION_LIMITS)
        self.http = httpx2.AsyncClient(
            transport=MeteredTransport(
                settings, rate_limiter, cache, inner, concurrency_limiter, breaker=breaker, stall=stall
            ),
            base_url=settings.base_url,
            timeout=settings.timeout,
            headers={"User-Agent": agent, "Accept-Encoding": ACCEPT_ENCODING},
            follow_redirects=settings.key is None,  # a key is never carried to another host
            max_redirects=MAX_REDIRECTS,
            event_hooks={"response": [self._check_redirect]},
        )

    @property
    def facts(self) -> ProviderFacts:
        """What is known of the provider before it is called."""
        return PROVIDERS[self.name]

    @property
    def key_setting(self) -> str:
        """The environment variable of the key, that of its server if it is one of several."""
        return self.settings.key_setting or (self.facts.key.name if self.facts.key else "its key")

    async def aclose(self) -> None:
        await self.http.aclose()

    def use_plan_host(self, host: str) -> None:
        """Send requests to the host that answers the key's plan, unless a setting names another one.

        Only a host that is known as the provider's own is ever sent the key. Stored answers keep their address.
        """
        if host in self.facts.plan_rates and "base_url" in self.settings.by_plan:
            self.http.base_url = httpx2.URL(f"https://{host}")

    def use_configured_host(self) -> None:
        """Send requests to the configured base URL again."""
        self.http.base_url = httpx2.URL(self.settings.base_url)

    async def _check_redirect(self, response: httpx2.Response) -> None:
        """Raise RequestRefused for a redirect that must not be followed: with a key, off https, or to another site."""
        if response.has_redirect_location and (self.key is not None or not stays_on_site(response)):
            own = "the URL in ALEXANDRIA_GENERATORS" if self.facts.model == "MODEL@URL" else ""
            raise errors.RequestRefused(
                self.name,
                f"answered {response.status_code} at {address(response)} and redirects to another address",
                hint=f"check {own or f'ALEXANDRIA_{self.name.upper()}_BASE_URL'}",
            )

    def secret(self) -> str:
        """The key in clear, for the one header or parameter that needs it. Raises KeyMissing or KeyRefused."""
        if self.key is None:
            raise errors.KeyMissing(self.name, "no key is configured", hint=f"set {self.key_setting}")
        key = self.key.get_secret_value()
        if not (key.isascii() and key.isprintable()):
            raise errors.KeyRefused(self.name, "the key contains characters that no request can carry")
        return key

    async def fetch(
        self,
        request: Request,
        read: Callable[[httpx2.Response], T],
        *,
        life: timedelta | None = None,
        empty: Callable[[T], bool] = lambda parsed: not parsed,
    ) -> tuple[T, datetime]:
        """The stored answer, or a fresh one that is stored before it is returned; and when it was fetched (UTC).

        `read` turns a response into JSON data and raises BadAnswer if it cannot. `life`, `empty` and retries are those
        of `cached`.
        """

        async def send() -> T:
            return await self.send_once(request, read)

        return await self.cached(request.content, send, life=life, empty=empty)

    async def fetch_uncached(self, request: Request, read: Callable[[httpx2.Response], T]) -> T:
        """As `fetch`, for answers that are not stored as they come."""

        async def send() -> T:
            return await self.send_once(request, read)

        return await self._with_retries(send)

    async def cached(
        self,
        content: Any,
        send: Callable[[], Awaitable[T]],
        *,
        life: timedelta | None = None,
        empty: Callable[[T], bool] = lambda parsed: not parsed,
    ) -> tuple[T, datetime]:
        """The stored answer to `content` (JSON data), or else what `send` returns (JSON data), which is stored first.

        `life` limits how long the answer is used; one that is `empty` is used for NEGATIVE_LIFE. Sends again after
        ProviderDown, BadAnswer, short waits and a changed key, MAX_TRIES times in all.
        """
        known = await self.read_stored(content)
        if known is not None:
            return known
        fresh = await self._with_retries(send)
        return fresh, await self.write_cache(content, fresh, NEGATIVE_LIFETIME if empty(fresh) else life)

    async def fetch_anew(self, content: Any, send: Callable[[], Awaitable[T]]) -> tuple[T, datetime]:
        """What `send` returns now (JSON data), stored for good in the place of any earlier answer to `content`."""
        fresh = await self._with_retries(send)
        return fresh, await self.write_cache(content, fresh, None)

    async def read_stored(self, content: Any) -> tuple[Any, datetime] | None:
        """As `read_cache`, for an answer that is used in the place of a request: the trace has it as one."""
        known = await self.read_cache(content)
        if known is not None:
            with tracing.answer(self.lane, answer="stored", **charge_attributes()):
                return known
        return None

    async def read_cache(self, content: Any) -> tuple[Any, datetime] | None:
        """The stored answer to `content` and when it was fetched (UTC), or None."""
        return await self._cache.read(self.name, storage_key(self._with_base_url(content)))

    async def write_cache(self, content: Any, answer: Any, life: timedelta | None) -> datetime:
        """Store `answer` (JSON data) to `content`, without long secrets that it quotes; returns when (UTC)."""
        request = self._with_base_url(content)
        kept = _without_secrets(answer)
        return await self._cache.write(self.name, storage_key(request), request, kept, life)

    def _with_base_url(self, content: Any) -> dict[str, Any]:
        """The request with its server, so that a sandbox's answer is never taken for the real provider's."""
        return {"base": self.settings.base_url, **content}

    async def _with_retries(self, send: Callable[[], Awaitable[T]]) -> T:
        busy_tries = MAX_BUSY_TRIES if self.facts.often_busy else MAX_TRIES
        tries: Counter[str] = Counter()

        def wait(error: Exception) -> bool | float:
            tries["all"] += 1
            kind, most = "all", MAX_TRIES
            if isinstance(error, errors.NoAnswer):
                kind, most = "silent", silent_tries(self.name)
            elif isinstance(error, errors.ProviderDown) and error.status == 503:
                most = busy_tries
            tries[kind] += kind != "all"
            return False if tries[kind] >= most else self._retry_wait(error)

        return await RetryingCaller(attempts=max(busy_tries, MAX_TRIES), timeout=None)(wait, send)

    async def send_once(self, request: Request, read: Callable[[httpx2.Response], T]) -> T:
        """What `read` makes of the response, as `storable`; a long one is read in a thread. Raises ProviderError for a refusal."""
        response = await self._request(request)
        problem = status_error(self.name, response) if request.explain is None else request.explain(response)
        try:
            if problem is not None:
                raise problem
            if len(response.content) > MAX_INLINE_BYTES:
                return await asyncio.to_thread(lambda: storable(read(response)))
            return storable(read(response))
        except errors.ProviderError as refused:
            await self.pause_if_limited(refused)
            raise

    async def pause_if_limited(self, problem: errors.ProviderError) -> None:
        """Pause the provider for all workers if `problem` is its own request for a wait, or a lack of quota or credit."""
        if isinstance(problem, errors.RateLimited):
            await self._pause(max(problem.retry_after or 0.0, MIN_PAUSE), problem)
        elif isinstance(problem, errors.ProviderDown) and problem.retry_after:
            await self._pause(max(problem.retry_after, MIN_PAUSE), problem)
        elif isinstance(problem, errors.QuotaSpent):
            await self._rate_limiter.pause(self.lane, problem.until, problem.message)
        elif isinstance(problem, errors.NoCredit):
            await self._rate_limiter.pause(self.lane, datetime.now(UTC) + NO_CREDIT_PAUSE, problem.message)

    async def _pause(self, seconds: float, problem: errors.ProviderError) -> None:
        await self._rate_limiter.pause(self.lane, datetime.now(UTC) + timedelta(seconds=seconds), problem.message)

    async def _request(self, request: Request) -> httpx2.Response:
        try:
            return await self.http.request(
                request.method,
                request.path,
                params=dict(request.params),
                json=request.body,
                headers=dict(request.headers),
                auth=request.sign,
                extensions={"units": request.units},
            )
        except httpx2.TimeoutException:
            raise self.unreachable("timeout") from None
        except httpx2.HTTPError as broken:
            raise self.unreachable(type(broken).__name__) from None

    def unreachable(self, why: str) -> errors.ProviderDown:
        """The error when no answer came: `why` is "timeout" or the name of what broke."""
        if why == "timeout":
            return errors.NoAnswer(self.lane, f"no answer within {self.settings.timeout:g} s")
        return errors.ProviderDown(self.lane, f"connection failed ({why})")

    def _retry_wait(self, error: Exception) -> bool | float:
        """Whether stamina tries again, or after how many seconds exactly."""
        match error:
            case AnswerTooLarge() | errors.CircuitOpen():
                return False
            case errors.Stalled():  # an attempt may have lost its month meanwhile: it begins again
                return False if is_charged() else 0.0
            case errors.RateLimited(retry_after=float(hint)):
                return hint if hint <= MAX_WAIT_IN_PLACE else False
            case errors.ProviderDown(retry_after=float(hint)) if hint:
                return hint if hint <= MAX_WAIT_IN_PLACE else False
            case errors.RateLimited() | errors.ProviderDown() | errors.BadAnswer():
                return True
            case errors.KeyRefused():
                return 0.0 if self.reload_key() else False
            case errors.KeyMissing():
                return 0.0 if self._key_is_there_now() else False
            case _:
                return False

    def _key_is_there_now(self) -> bool:
        now = time.monotonic()
        if self.key is None and now - self._missing_key_checked < MISSING_KEY_CHECK_INTERVAL:
            return False
        self._missing_key_checked = now
        return self.key is not None or self.reload_key()

    def reload_key(self) -> bool:
        """Read the key again; returns whether it has changed."""
        before = self.key
        if self._reload_key is not None:
            self.key = self._reload_key()
            _protect(self.key)
        return self.key is not None and self.key != before


def _protect(key: SecretStr | None) -> None:
    protect([] if key is None else [key.get_secret_value()])


def _without_secrets(answer: Any) -> Any:
    """The answer (JSON data) without long secrets. A short one may be a word of a title."""
    written = json.dumps(answer, ensure_ascii=False)
    plain = masked_long(written)
    return answer if plain == written else json.loads(plain)


def status_error(provider: str, response: httpx2.Response) -> errors.ProviderError | None:
    """The error that a status means at a provider without rules of its own; None for an answer.

    Of the body of a refusal it quotes the provider's own sentence, masked, and nothing else.
    """
    status = response.status_code
    if status == 429 or (400 <= status < 500 and status not in NO_ANSWER_STATUSES and header_wait(response)):
        summary = with_sentence("refuses for speed", sentence_of(response))
        return errors.RateLimited(provider, summary, retry_after=retry_after(response))
    if status in {401, 403} and (wall := wall_before(response)):
        return errors.ProviderDown(provider, f"answered {status} with {wall}")
    if status in {401, 403}:
        return errors.KeyRefused(provider, with_sentence(f"refuses us with {status}", sentence_of(response)))
    if status in NO_ANSWER_STATUSES:
        summary = with_sentence(f"answered {status}", sentence_of(response))
        return errors.ProviderDown(provider, summary, retry_after=retry_after(response), hint=proxy_hint(status))
    if status == 402:
        return errors.NoCredit(provider, with_sentence("wants to be paid (402)", sentence_of(response)))
    if status >= 500:
        return errors.ProviderDown(provider, f"answered {status}", status=status, retry_after=retry_after(response))
    if status >= 400:
        return errors.RequestRefused(provider, with_sentence(f"answered {status}", sentence_of(response)))
    if status in {204, 205} or (200 < status < 300 and not response.content.strip()):
        return errors.BadAnswer(provider, f"answered {status} without an answer")
    return None if 200 <= status < 300 else errors.RequestRefused(provider, f"answered {status}")


def proxy_hint(status: int) -> str:
    """How to fix the refusal of a proxy that wants a login; "" for any other status."""
    return "name the proxy with its login: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT" if status == 407 else ""


def silent_tries(provider: str) -> int:
    """The sends of one request to a provider that gives no answer in time, before its error is reported."""
    return MAX_LONG_CALL_TRIES if provider in PROVIDERS and PROVIDERS[provider].long_calls else MAX_TRIES


def user_agent(version: str, contact: str, *, anonymous: bool) -> str:
    """The User-Agent of our requests. `anonymous`: the provider refuses one that names a product and no contact."""
    name = f"{product.capitalize()}/{version}"
    if contact:
        return f"{name} ({contact})"
    return f"Mozilla/5.0 (compatible; {name})" if anonymous else name


def address(response: httpx2.Response) -> str:
    """The address that was asked, without what may be secret in it."""
    return str(response.request.url.copy_with(userinfo=b"", query=None, fragment=None))


def storage_key(request: Any) -> str:
    """A content address: equal requests have equal keys."""
    return hashlib.sha256(
        json.dumps(request, sort_keys=True, ensure_ascii=False).encode(errors="surrogatepass")
    ).hexdigest()


def storable(value: T, depth: int = 0) -> T:
    """The JSON data without what PostgreSQL cannot store: NUL characters, lone surrogates, numbers that are not finite.

    What is nested deeper than MAX_DEPTH is no answer to anything we ask, and is left out.
    """
    plain: Any = value
    match value:
        case str():
            plain = value.replace("\0", "").encode("utf-8", "replace").decode()
        case float() if not math.isfinite(value):
            plain = None
        case dict() | list() if depth > MAX_DEPTH:
            plain = None
        case dict():
            plain = {storable(key): storable(inner, depth + 1) for key, inner in value.items()}
        case list():
            plain = [storable(inner, depth + 1) for inner in value]
    return plain  # type: ignore[no-any-return]  # the shape is kept, which no type expresses


def next_midnight(zone: str) -> datetime:
    """The start of the provider's next day, in UTC. `zone` is an IANA name."""
    local = datetime.now(ZoneInfo(zone))
    tomorrow = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return tomorrow.astimezone(UTC)


def json_of(provider: str, response: httpx2.Response) -> Any:
    """The JSON body. Raises BadAnswer, which names the content type and never quotes the body, as it may hold secrets.

    Raises ProviderDown for a page for people that reports an outage.
    """
    try:
        return json_in(response)
    except (ValueError, RecursionError):
        if page := in_place_of_answer(response):
            summary = f"answered {response.status_code} with {page}"
            raise errors.ProviderDown(provider, summary, retry_after=header_wait(response) or None) from None
        kind = response.headers.get("content-type", "no content type")
        raise errors.BadAnswer(provider, f"answered {response.status_code} with {kind} that is not JSON") from None
