"""Refusals that people report of many servers of language models, in invented bodies of the same shapes.

The name of a case begins with its meaning; a number behind that is the wait in seconds. A case is a status, a body and
headers.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from alexandria.core import errors
from alexandria.core.month import Month

REFUSALS = json.loads((Path(__file__).parent / "data" / "refusals.json").read_text("utf-8"))
MARCH = Month(2003, 3)
MEANINGS: dict[str, type[errors.ProviderError]] = {
    "limit": errors.RateLimited, "day": errors.QuotaSpent, "money": errors.NoCredit, "key": errors.KeyRefused,
    "request": errors.RequestRefused, "content": errors.ContentRefused, "down": errors.ProviderDown,
    "model": errors.RequestRefused, "address": errors.RequestRefused,
}  # fmt: skip
NAMED = {"model": "knows no model", "address": "nothing there answers"}  # what the error names as wrong
BY_PROVIDER = {"openai": [*REFUSALS], "gemini": ["google"], "xai": ["xai"]}  # the servers that it may be
SERVERS = [(provider, server) for provider, servers in BY_PROVIDER.items() for server in servers]


@pytest.fixture(autouse=True)
def _once():
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.mark.parametrize(("provider", "server"), SERVERS)
async def test_refusals_that_were_reported(model, limits, cases, provider, server):
    with cases() as each:
        for case, (status, body, *headers) in REFUSALS[server].items():
            with each(case):
                text = body if isinstance(body, str) else json.dumps(body)
                kind = "text/html" if text.startswith("<") else "application/json"
                generator = model(provider, (status, [f"Content-Type: {kind}", *headers], text.encode()))
                limits.pauses.clear()
                with pytest.raises(errors.ProviderError) as refused:
                    await generator.suggest(MARCH, "baseline", 20)
                check(refused.value, case, limits)


def check(error: Any, case: str, limits: Any) -> None:
    """The meaning and the wait that the name of a case begins with, for the month and for the limiter alike."""
    meaning, wait, *_ = [*case.split(), ""]
    kind: Any = MEANINGS[meaning]
    assert isinstance(error, kind), error
    assert NAMED.get(meaning, "") in error.message
    assert "canary" not in f"{error.message} {error.hint}"
    paused = [seconds for _, seconds, _ in limits.pauses]
    if wait.isdigit() and meaning == "day":
        assert (error.until - datetime.now(UTC)).total_seconds() == pytest.approx(int(wait), abs=2)
    elif wait.isdigit():
        assert error.retry_after == pytest.approx(int(wait), abs=1)
    elif meaning == "limit":
        assert error.retry_after is None
    elif meaning == "day":
        assert error.until - datetime.now(UTC) <= timedelta(days=1, hours=1)
    assert len(paused) == (meaning in {"limit", "day", "money"} or wait.isdigit()), limits.pauses
    if wait.isdigit():
        assert paused == [pytest.approx(int(wait), abs=2)]
