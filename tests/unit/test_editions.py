"""The rules by which one edition of a work fits better than another: format, language and time, in this order."""

from datetime import UTC, datetime

import pytest

from alexandria.catalogue.matching.editions import formats, named_formats, rank
from alexandria.catalogue.matching.kinds import AUDIO, EBOOK, LARGE_PRINT
from alexandria.catalogue.models import Candidate, EditionRecord, PartialDate, SourceRecord

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CIRCE = Candidate("Circe", "Madeline Miller", 2018, 4)


def edition(published=None, *, title="Circe", **facts):
    date = PartialDate(*(int(part) for part in published.split("-"))) if published else None
    return EditionRecord(SourceRecord("shelf", title, NOON), title, published=date, **facts)


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"binding": "Hardcover"}, set()),
        ({"binding": "Audio CD"}, {AUDIO}),
        ({"title": "Circe (Large Print)"}, {LARGE_PRINT}),
        ({"publisher": "Audible Studios"}, {AUDIO}),
        ({"binding": "Kindle", "title": "Circe [Unabridged]"}, {AUDIO, EBOOK}),
    ],
)
def test_a_record_s_formats_are_named_by_binding_title_or_publisher(facts, named):
    assert formats(edition(**facts)) == named


@pytest.mark.parametrize(
    ("candidate", "named"),
    [
        (Candidate("Circe", "Madeline Miller"), set()),
        (Candidate("Circe", "Madeline Miller", format="Audiobook"), {AUDIO}),
        (Candidate("The Unabridged Journals", "Sylvia Plath"), {AUDIO}),
    ],
)
def test_a_candidate_s_formats_are_named_by_format_or_title(candidate, named):
    assert named_formats(candidate) == named


# rule: the better edition, the worse one, the candidate
BETTER = {
    "print before a recording": (edition("2020-05"), edition("2018-04", binding="Audio CD"), CIRCE),
    "print before an e-book": (edition("2020-05"), edition("2018-04", binding="Kindle"), CIRCE),
    "a recording where one was named": (
        edition("2020-05", binding="Audio CD"), edition("2018-04"), Candidate("Circe", "Madeline Miller", 2018, 4, "", "Audiobook")),
    "one unwanted format before two": (
        edition("2020-05", binding="Audio CD"), edition("2018-04", binding="Audio CD, Large Print"), CIRCE),
    "the title's language before a translation": (edition("2020-05", language="en"), edition("2018-04", language="es"), CIRCE),
    "no language before a translation": (edition("2020-05"), edition("2018-04", language="es"), CIRCE),
    "an unsure title counts as English": (
        edition("2020-05", language="en"), edition("2018-04", language="fr"), Candidate("Un", "Ann Lee", 2018, 4)),
    "format before language": (edition("2018-04", language="es"), edition("2018-04", language="en", binding="Kindle"), CIRCE),
    "the month named before another": (edition("2018-04"), edition("2018-05"), CIRCE),
    "a month later as well as a month earlier, then the score": (edition("2018-06"), edition("2018-01"), CIRCE),
    "a month earlier before two later": (edition("2018-03"), edition("2018-06"), CIRCE),
    "December before the next year's end": (edition("2017-12"), edition("2018-12"), CIRCE),
    "an edition without a month counts as the whole year's": (edition("2018"), edition("2018-05"), CIRCE),
    "an edition of the month before one of the next year": (edition("2018-12"), edition("2019"), CIRCE),
    "an edition of the next year, from its January": (edition("2019"), edition("2019-02"), CIRCE),
    "a candidate without a month means the whole year": (edition("2018-12"), edition("2019-01"), Candidate("Circe", "Madeline Miller", 2018)),
    "a year earlier is as near as its December": (edition("2017"), edition("2019-02"), Candidate("Circe", "Madeline Miller", 2018)),
    "a dated edition before an undated one": (edition("1969-01"), edition(), CIRCE),
    "an undated edition before one fifty years off": (edition(), edition("1968-03"), CIRCE),
    "an undated edition before a reprint of years after": (edition(), edition("2023-05"), CIRCE),
    "a dated edition of the year after before an undated one": (edition("2019-05"), edition(), CIRCE),
    "no time named: the earlier edition": (edition("1999-05"), edition("2018-04"), Candidate("Circe", "Madeline Miller")),
    "no time named: the earlier month": (edition("1999-05"), edition("1999-06"), Candidate("Circe", "Madeline Miller")),
    "no time named: a month before none": (edition("1999-11"), edition("1999"), Candidate("Circe", "Madeline Miller")),
    "no time named: none before the next year": (edition("1999"), edition("2000-01"), Candidate("Circe", "Madeline Miller")),
    "no time named: a dated edition before an undated one": (edition("2999"), edition(), Candidate("Circe", "Madeline Miller")),
}  # fmt: skip


@pytest.mark.parametrize("rule", BETTER)
def test_the_better_edition_ranks_first(rule):
    """Whatever the score of the worse one."""
    better, worse, candidate = BETTER[rule]
    assert rank(candidate, better, 85.0) < rank(candidate, worse, 100.0)


def test_the_score_decides_between_equal_editions():
    assert rank(CIRCE, edition("2018-04"), 96.0) < rank(CIRCE, edition("2018-04"), 95.0)
    assert rank(CIRCE, edition("2018-03"), 95.0) == rank(CIRCE, edition("2018-05"), 95.0)
    undated = Candidate("Circe", "Madeline Miller")
    assert rank(undated, edition("1999"), 95.0) == rank(undated, edition("1999-12"), 95.0)
    assert rank(CIRCE, edition("1968-04"), 95.0) == rank(CIRCE, edition(), 95.0)
