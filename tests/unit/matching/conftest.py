"""Records and verdicts for the tests of the matcher."""

from datetime import UTC, datetime

import pytest

from alexandria.catalogue.matching.scoring import same_work
from alexandria.catalogue.models import EditionRecord, Isbn13, PartialDate, SourceRecord

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def make_record(title, *authors, subtitle="", source="shelf", isbn=None, published=None, **facts):
    date = PartialDate.parse(published) if published else None
    isbn13 = Isbn13.parse(isbn) if isbn else None
    return EditionRecord(
        SourceRecord(source, title, NOON), title, subtitle, authors, isbn13=isbn13, published=date, **facts
    )


@pytest.fixture
def record():
    return make_record


@pytest.fixture
def verdict():
    """The verdict on two records, each a tuple of title and authors with facts behind; the same either way round."""

    def judge(one, other):
        records = [
            make_record(*names, **facts)
            for *names, facts in ((*side, {}) if not isinstance(side[-1], dict) else side for side in (one, other))
        ]
        found, turned = same_work(*records), same_work(*reversed(records))
        assert (found.score, found.verdict) == (turned.score, turned.verdict)
        return found.verdict

    return judge
