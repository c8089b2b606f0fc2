"""Verdicts for the tests of the matcher."""

import pytest

from alexandria.catalogue.matching.scoring import same_work
from tests.support.edition_records import record as edition_record


@pytest.fixture
def record():
    """What makes a record of a title, its authors and facts."""
    return edition_record


@pytest.fixture
def verdict():
    """The verdict on two records, each a tuple of title and authors with facts behind; the same either way round."""

    def judge(one, other):
        records = []
        for side in (one, other):
            facts = side[-1] if isinstance(side[-1], dict) else {}
            names = [name for name in side if isinstance(name, str)]
            records.append(edition_record(*names, **facts))
        found, turned = same_work(*records), same_work(*reversed(records))
        assert (found.fit, found.verdict) == (turned.fit, turned.verdict)
        return found.verdict

    return judge
