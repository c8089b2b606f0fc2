"""An error that nobody foresaw inside a call to a provider costs that provider's answer alone."""

import asyncio

import pytest
from structlog.testing import capture_logs

from alexandria.backfill.source_selection import Policy, SourcePool, SourceSelector
from alexandria.backfill.suggest import suggest
from alexandria.catalogue.models import Candidate
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.providers.base import SuggestResult

MARCH = Month(2003, 3)
BOOK = Candidate("Sample Novel", "Ann Author", year=2003, month=3, named_by=("gemini",))
UNFORESEEN = [
    OverflowError("secret"),
    KeyError("secret"),
    RecursionError(),
    MemoryError(),
    AssertionError(),
    UnicodeError(),
]


class Fixed:
    """A generator and a source that returns or raises one thing."""

    paid, rate = False, 1.0

    def __init__(self, name, outcome):
        self.name, self.label, self._outcome = name, name, outcome

    async def suggest(self, *_):
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return SuggestResult((self._outcome,))

    async def find(self, candidate):
        await self.suggest()
        return []


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
async def test_the_answer_of_the_other_model_is_used(error):
    with capture_logs() as logs:
        found = await suggest(MARCH, "baseline", 20, [Fixed("xai", error), Fixed("gemini", BOOK)])
    assert [candidate.title for candidate in found.candidates] == ["Sample Novel"]
    assert found.failed == (f"xai: its answer led to an unexpected {type(error).__name__}",)
    [entry] = logs
    assert (entry["provider"], entry["exc_info"]) == ("xai", True)


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
async def test_a_source_is_left_out_like_one_whose_answer_cannot_be_read(error):
    source = Fixed("open_library", error)
    selector = SourceSelector(SourcePool([source], Policy.BALANCED))
    assert isinstance(await selector.ask(source, BOOK), errors.BadAnswer)
    assert "secret" not in selector.failed["open_library"].message


@pytest.mark.parametrize(
    "error", [errors.DatabaseUnavailable("away"), errors.AttemptLost("gone"), asyncio.CancelledError()]
)
async def test_an_error_of_our_own_is_raised_unchanged(error):
    with pytest.raises(type(error)):
        await suggest(MARCH, "baseline", 20, [Fixed("xai", error), Fixed("gemini", BOOK)])
