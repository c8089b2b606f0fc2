"""A process notices that it stood still, by a clock that goes on meanwhile; what failed in between is nobody's fault."""

import asyncio
from uuid import uuid4

import httpx2
import pytest

from alexandria.core import errors
from alexandria.core.config import ProviderSettings
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS
from alexandria.core.stall import BEAT_INTERVAL, STALL_SECONDS, StallMonitor
from alexandria.core.stall import clock as running_clock
from alexandria.providers.charging import charged_to
from alexandria.providers.client import MAX_TRIES, ProviderClient, Request
from tests.support.clocks import Clock

LATE = BEAT_INTERVAL + STALL_SECONDS


@pytest.fixture
def moved():
    return Clock()


@pytest.fixture
async def stall(moved):
    async with StallMonitor(moved) as monitor:
        yield monitor


@pytest.mark.parametrize(("seconds", "noticed"), [(LATE, True), (LATE - 0.01, False), (120.0, True), (0.0, False)])
async def test_a_late_heartbeat_is_a_stall(stall, moved, seconds, noticed):
    began = moved.now
    moved.now += seconds
    assert stall.stalled_since(began) is noticed
    assert not stall.stalled_since(moved.now + 1)


async def test_a_stall_is_noticed_by_the_heartbeat_as_well(stall, moved):
    began = moved.now
    moved.now += 120
    await asyncio.sleep(2 * BEAT_INTERVAL)  # real time: the beats are what is tested
    moved.now += 1
    assert stall.stalled_since(began)
    assert not stall.stalled_since(moved.now)


async def test_without_a_heartbeat_nothing_is_a_stall(moved):
    monitor = StallMonitor(moved)
    moved.now += 120
    assert not monitor.stalled_since(0)


def test_the_clock_goes_on():
    before = running_clock()
    assert running_clock() >= before


def client_on(limiter, answers, stall, far_end):
    settings = ProviderSettings(
        name="isbndb", **PROVIDERS["isbndb"].limits.model_dump() | {"base_url": "http://far.test"}, key="canary-key"
    )
    return ProviderClient(
        settings, limiter, answers, contact="", version="1", inner=httpx2.MockTransport(far_end), stall=stall
    )


def ask(client):
    return client.fetch_uncached(Request("GET", "/x"), lambda response: response.status_code)


@pytest.mark.parametrize("broken", [httpx2.ReadTimeout, httpx2.ConnectTimeout, httpx2.ReadError, httpx2.ConnectError])
async def test_a_request_that_fails_over_a_stall_ends_the_attempt_and_blames_no_provider(
    limiter, answers, stall, moved, broken
):
    """It is not repeated here: the month may have gone to another worker meanwhile."""
    tries = 0

    def far_end(request):
        nonlocal tries
        tries += 1
        moved.now += 120
        raise broken("late", request=request)

    client = client_on(limiter, answers, stall, far_end)
    with charged_to(Month(2023, 11), uuid4()), pytest.raises(errors.Stalled):
        await ask(client)
    assert tries == 1


async def test_a_request_of_no_attempt_is_sent_again_after_a_stall(limiter, answers, stall, moved):
    tries = 0

    def far_end(request):
        nonlocal tries
        tries += 1
        if tries == 1:
            moved.now += 120
            raise httpx2.ReadTimeout("late", request=request)
        return httpx2.Response(200)

    assert await ask(client_on(limiter, answers, stall, far_end)) == 200
    assert tries == 2


async def test_a_request_that_fails_without_a_stall_is_the_providers_failure(limiter, answers, stall, moved):
    def far_end(request):
        moved.now += LATE - 0.1
        raise httpx2.ReadTimeout("late", request=request)

    moved.now += 120  # a stall that ended before the request
    stall.stalled_since(0)
    moved.now += 1
    with pytest.raises(errors.ProviderDown):
        await ask(client_on(limiter, answers, stall, far_end))
    assert len(answers.calls) == MAX_TRIES
