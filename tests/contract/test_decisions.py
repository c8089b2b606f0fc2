"""Every fault of every provider through our clients: the error they raise, and its effect on a month."""

import asyncio
import functools
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
import pytest

from alexandria.backfill.retry_policy import MAX_ATTEMPTS, GiveUp, Retry, Snooze, decide
from alexandria.catalogue.models import Candidate, Isbn13
from alexandria.core import config, errors
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS, key_settings, resolve, source_names
from alexandria.providers.client import ProviderClient
from alexandria.providers.generator_specs import GeneratorSpec
from alexandria.providers.llm import LanguageModel
from alexandria.providers.registry import make_source
from alexandria.sandbox.fault_rules import CATALOGUE
from tests.support.unlimited import Unlimited

pytestmark = pytest.mark.usefixtures("one_try")


MODELS = {"gemini": "gemini-3.5-flash", "xai": "grok-4.3"}
SOUGHT = Candidate("Prophet Song", "Paul Lynch", year=2023)
# What our client makes of it and what follows; None: an answer all the same.
DOWN, BAD, DECLINED = (errors.ProviderDown, Snooze), (errors.BadAnswer, Retry), (errors.ContentRefused, Retry)
SLOW, SPENT = (errors.RateLimited, Snooze), (errors.QuotaSpent, Snooze)
POOR, KEY = (errors.NoCredit, Snooze), (errors.KeyRefused, GiveUp)
REQUEST = (errors.RequestRefused, GiveUp)
FOLLOWS = {
    "none": None, "slow_headers": None, "slow_body": None, "fenced_json": None, "max_tokens": None,
    "isbndb_404_then_200": None, "isbndb_books_vs_data_key": None, "isbndb_basic_plan": None, "gb_no_items": None, "ia_scalar_fields": None,
    "down": DOWN, "hang": DOWN, "reset_mid_body": DOWN, "500_internal": DOWN, "503_overloaded": DOWN,
    "gb_503_backend": DOWN, "gb_200_error": DOWN, "ol_503": DOWN, "wdqs_timeout_500": DOWN,
    "503_retry_after": DOWN, "maintenance_200": DOWN, "portal_200": DOWN, "timed_out_524": DOWN, "browser_check_403": DOWN,
    "filter_403": DOWN, "proxy_407": DOWN, "400_model_crashed": DOWN,
    "login_302": REQUEST, "empty_200": BAD, "nothing_204": BAD, "byte_order_mark": None, "other_encoding": None, "other_type": None,
    "markup_behind": None, "latin_1_header": None, "odd_charset": None, "odd_cookie": None,
    "json_lines": BAD, "gzip_unnamed": BAD, "gzip_untrue": DOWN, "chunks_broken_off": DOWN,
    "429_hourly": SLOW, "429_weekly": SPENT,
    "html_200": DOWN, "truncated_200": BAD, "max_tokens_thinking": BAD, "empty_candidate": BAD, "no_choices": BAD,
    "bomb": BAD, "many_brackets": BAD, "prose_around_json": None, "closing_think": None, "loose_json": None, "bad_item": None,
    "schema_violation_once": BAD, "ia_html_200": BAD, "ia_empty_metadata": BAD, "wdqs_truncated_200": BAD,
    "safety_prompt": DECLINED, "safety_candidate": DECLINED, "recitation": DECLINED, "refusal": DECLINED,
    "429_seconds": SLOW, "429_date": SLOW, "429_no_hint": SLOW, "429_retryinfo": SLOW, "ol_429": SLOW, "wdqs_429": SLOW,
    "429_daily": SPENT, "gb_400_daily": SPENT, "gb_403_daily": SPENT, "wdqs_ban_403": SPENT,
    "429_no_credit": POOR, "gb_keyless_429": POOR,
    "429_epoch": SLOW, "429_epoch_ms": SLOW, "429_huge": SLOW, "429_year_99999": SLOW,
    "429_billing_link": SLOW, "429_reset_header": SLOW, "200_with_error": SLOW,
    "429_prepay_depleted": POOR, "429_spending_cap": POOR, "402_balance": POOR, "403_new_team": POOR,
    "403_credits_used": POOR, "403_content": DECLINED,
    "400_location": REQUEST, "404_wrong_path": REQUEST,
    "400_response_format": None, "400_thinking": None, "400_any_response_format": None, "reasoning_content": None, "reasoning": None,
    "finish_reason_empty": None, "no_usage": None,
    "isbndb_401": KEY, "isbndb_403_wrong_host": KEY, "ol_403_ua": KEY, "gb_403_key_restricted": KEY,
}  # fmt: skip
# Every way in which we ask a provider; of them the first is the one that months depend on.
ROUTES = {
    "gemini": ["suggest"], "xai": ["suggest"], "isbndb": ["find", "by_isbns", "key_status"],
    "google_books": ["find"], "open_library": ["find", "by_isbns"], "internet_archive": ["find"],
    "wikidata": ["find", "suggest"],
}  # fmt: skip
ASKING: dict[str, Callable[[Any], Awaitable[object]]] = {
    "suggest": lambda generator: generator.suggest(Month(2023, 11), "baseline", 20),
    "find": lambda source: source.find(SOUGHT),
    "by_isbns": lambda source: source.by_isbns([Isbn13.parse("9780593781326")]),
    "key_status": lambda source: source.key_status(),
}
AT_A_SOCKET = {
    **dict.fromkeys(("reset_mid_body", "chunks_broken_off", "gzip_untrue"), "connection failed"),
    **dict.fromkeys(("hang", "slow_headers", "slow_body"), "no answer within"),
}
PATIENCE = 0.4  # seconds, less than a slow answer takes


async def broken_off(request):
    """A sandbox in memory has no connection that could break during an answer."""
    raise httpx2.RemoteProtocolError("peer closed connection", request=request)


@functools.cache
def settings_at(base, timeout):
    """The settings of all providers at that address; read once, as 550 tests need a few of them."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ROUTES:
            environment.setenv(f"ALEXANDRIA_{name.upper()}_BASE_URL", f"{base}/{name}")
            environment.setenv(f"ALEXANDRIA_{name.upper()}_TIMEOUT", str(timeout))
            if name in key_settings():
                environment.setenv(key_settings()[name], f"sandbox-{name}")
        return config.load().providers


@pytest.fixture
def speak():
    """`speak(provider, base, inner, timeout)` is our client for the provider at that address."""

    def speak(name, base, inner=None, timeout=30.0):
        transport = ProviderClient(
            settings_at(base, timeout)[name],
            cast("Any", Unlimited()),
            cast("Any", Unlimited()),
            contact="mailto:ops@library.test",
            version="0",
            inner=inner,
        )
        if name in MODELS:
            return transport, LanguageModel(GeneratorSpec(name, MODELS[name]), transport)
        return transport, make_source(transport)

    return speak


def check(error, expected):
    """The error, and its effect for the caller and for a month without another provider; a wait costs no attempt, not
    even the last."""
    if expected is None:
        assert error is None
        return
    kind, follows = expected
    assert isinstance(error, kind)
    now = datetime.now(UTC)
    for seen in (error, errors.NoBooks("none", (error,)), errors.NoSources("none", (error,))):
        decision = decide(seen, MAX_ATTEMPTS - 1 if follows is Snooze else 0, now, random.Random(1))
        assert type(decision) is follows, error
        if isinstance(decision, Snooze):
            assert now < decision.until <= now + timedelta(days=1, hours=1)


async def met(client, route):
    """The error that a request raises, or None."""
    try:
        await ASKING[route](client)
    except errors.ProviderError as refused:
        return refused
    return None


def test_the_table_covers_every_fault_and_every_route():
    assert FOLLOWS.keys() == CATALOGUE.keys()
    assert ROUTES.keys() == {*MODELS, *source_names()}
    for name in source_names():
        source = resolve(PROVIDERS[name].source)
        assert {*ROUTES[name]} == {route for route in ASKING if hasattr(source, route)}


@pytest.mark.parametrize("name", ROUTES)
async def test_each_fault_has_the_expected_error_and_decision(sandbox, speak, cases, name):
    operator = sandbox()
    with cases() as case:
        for fault, known in CATALOGUE.items():
            for route in ROUTES[name] if name in known.providers else ():
                with case(name, route, fault):
                    (await operator.post("/__sandbox/faults", content=f"{name}:{fault}")).raise_for_status()
                    inner = operator._transport
                    if fault in {"reset_mid_body", "chunks_broken_off"}:
                        inner = httpx2.MockTransport(broken_off)
                    _, client = speak(name, "http://sandbox", inner, PATIENCE if fault == "hang" else 30.0)
                    check(await met(client, route), FOLLOWS[fault])


@pytest.fixture(scope="module")
def far():
    """A sandbox in its own process, whose slow answers exceed our time-out."""
    program = """
from alexandria.sandbox import SandboxSettings, serve
from alexandria.sandbox.parts import provider_names
serve(SandboxSettings(latency_scale=0.05, rates=dict.fromkeys(provider_names(), 1000.0)), announce=lambda url: print(url, flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.mark.parametrize("fault", AT_A_SOCKET)
async def test_a_broken_or_slow_connection_raises_provider_down(far, speak, fault):
    """Over real connections, for every provider and route: closed in the middle, silent, or too slow."""
    async with httpx2.AsyncClient() as operator:
        (await operator.post(f"{far}/__sandbox/faults", content=f"*:{fault}")).raise_for_status()
    for name, routes in ROUTES.items():
        transport, client = speak(name, far, timeout=30.0 if AT_A_SOCKET[fault] == "connection failed" else PATIENCE)
        for error in await asyncio.gather(*(met(client, route) for route in routes)):
            check(error, FOLLOWS["down"])
            assert AT_A_SOCKET[fault] in str(error)
        await transport.aclose()
