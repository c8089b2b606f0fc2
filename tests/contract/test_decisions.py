"""Every fault of every provider, through our clients: what they raise, and what follows from it for a month."""

import contextlib
import random
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import stamina

from alexandria import config, errors
from alexandria.book import Candidate
from alexandria.month import Month
from alexandria.providers.llm import GeneratorSpec, LanguageModel
from alexandria.providers.transport import Transport
from alexandria.sandbox.faults import CATALOGUE
from alexandria.status import MAX_ATTEMPTS, Bury, Retry, Snooze, decide
from alexandria.wiring import SOURCES

MODELS = {"gemini": "gemini-3.5-flash", "xai": "grok-4.3"}
SOUGHT = Candidate("Prophet Song", "Paul Lynch", year=2023)
# What follows; None: the client makes an answer of it all the same.
FOLLOWS = {
    "none": None, "slow_headers": None, "slow_body": None, "fenced_json": None, "max_tokens": None,
    "isbndb_404_then_200": None, "isbndb_books_vs_data_key": None, "gb_no_items": None, "ia_scalar_fields": None,
    "down": Retry, "hang": Retry, "reset_mid_body": Retry, "500_internal": Retry, "html_200": Retry,
    "503_overloaded": Retry, "safety_prompt": Retry, "safety_candidate": Retry, "recitation": Retry,
    "max_tokens_thinking": Retry, "empty_candidate": Retry, "schema_violation_once": Retry, "refusal": Retry,
    "no_choices": Retry, "gb_503_backend": Retry, "ol_503": Retry, "ia_html_200": Retry, "ia_empty_metadata": Retry, "wdqs_timeout_500": Retry,
    "wdqs_truncated_200": Retry,
    "429_seconds": Snooze, "429_date": Snooze, "429_no_hint": Snooze, "429_retryinfo": Snooze, "429_daily": Snooze,
    "gb_400_daily": Snooze, "gb_403_daily": Snooze, "ol_429": Snooze, "wdqs_429": Snooze, "wdqs_ban_403": Snooze,
    "429_no_credit": Bury, "isbndb_401": Bury, "isbndb_403_wrong_host": Bury, "gb_keyless_429": Bury, "ol_403_ua": Bury,
}  # fmt: skip
CASES = [(name, fault) for fault, known in CATALOGUE.items() for name in known.providers if name in {*MODELS, *SOURCES}]


async def broken_off(request):
    """A sandbox in memory has no connection that could break in the middle of an answer."""
    raise httpx2.RemoteProtocolError("peer closed connection", request=request)


class Slot:
    def __init__(self, granted):
        self.granted = granted

    def unsent(self):
        return

    def wired(self):
        return


class Open:
    """Lanes without limits, and a memory without answers."""

    @contextlib.asynccontextmanager
    async def slot(self, provider, units=1, **_):
        yield Slot(units)

    async def pause(self, provider, until, reason):
        return

    async def read(self, provider, key):
        return None

    async def write(self, provider, key, request, body, life):
        return datetime.now(UTC)

    async def record(self, call):
        return


@pytest.fixture(autouse=True)
def _once():
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.fixture
def ask(sandbox, monkeypatch):
    """`ask(provider, fault)` has the client ask once and returns the error, or None."""

    async def ask(name, fault):
        client = sandbox(faults=f"{name}:{fault}")
        monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_BASE_URL", f"http://sandbox/{name}")
        monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_TIMEOUT", "0.3" if fault == "hang" else "30")
        if name in config.KEYS:
            monkeypatch.setenv(config.KEYS[name], f"sandbox-{name}")
        transport = Transport(
            config.load().providers[name], Open(), Open(),
            contact="mailto:ops@library.test", version="0", inner=httpx2.MockTransport(broken_off) if fault == "reset_mid_body" else client._transport,
        )  # fmt: skip
        try:
            if name in MODELS:
                await LanguageModel(GeneratorSpec(name, MODELS[name]), transport).suggest(
                    Month(2023, 11), "baseline", 20
                )
            else:
                await SOURCES[name](transport).find(SOUGHT)
        except errors.ProviderError as refused:
            return refused
        return None

    return ask


def test_every_fault_of_the_catalogue_has_its_row():
    assert FOLLOWS.keys() == CATALOGUE.keys()


@pytest.mark.parametrize(("name", "fault"), CASES, ids=[f"{name}-{fault}" for name, fault in CASES])
async def test_what_follows_from_a_fault(ask, name, fault):
    """For the one that is asked, and for a month that had nobody else; a wait costs no attempt, not even the last."""
    error, now = await ask(name, fault), datetime.now(UTC)
    expected = FOLLOWS[fault]
    if expected is None:
        assert error is None
        return
    assert error is not None
    for seen in (error, errors.NoBooks("none", (error,)), errors.NoSources("none", (error,))):
        decision = decide(seen, MAX_ATTEMPTS - 1 if expected is Snooze else 0, now, random.Random(1))
        assert type(decision) is expected, error
        if isinstance(decision, Snooze):
            assert now < decision.until <= now + timedelta(days=1, hours=1)
