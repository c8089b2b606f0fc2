"""The edition that is chosen for a named book, and the reason where none is."""

from dataclasses import replace

import pytest

from alexandria.catalogue.matching.scoring import ACCEPT, choose
from alexandria.catalogue.models import Candidate, PartialDate, SourceRecord
from tests.support.edition_records import NOON, record

FIRST = record(
    "Circe", "Madeline Miller", isbn="9780316556347", published="2018-04-10", binding="Hardcover", language="en"
)
REPRINT = record(
    "Circe", "Madeline Miller", isbn="9780316556323", published="2020-04-14", binding="Paperback", language="en"
)
LARGE = record("Circe (Large Print)", "Madeline Miller", isbn="9781432852474", published="2018-04-10", language="en")
SPANISH = record("Circe", "Madeline Miller", isbn="9788491814122", published="2018-04", language="es")
AUDIO = record("Circe", "Madeline Miller", isbn="9781478975304", published="2018-04-10", binding="Audio CD")


def test_the_first_print_edition_is_chosen():
    """Before its reprint, large print, translation and recording, in whatever order they come."""
    candidate = Candidate("Circe", "Madeline Miller", 2018, 4)
    hits = [AUDIO, SPANISH, LARGE, REPRINT, FIRST]
    for turned in (hits, hits[::-1]):
        accepted, considered, reason = choose(candidate, turned)
        assert accepted == FIRST
        assert len(considered) == len(hits)
        assert "same title" in reason


def test_the_recording_is_chosen_when_it_was_named():
    accepted, *_ = choose(Candidate("Circe", "Madeline Miller", 2018, 4, format="Audiobook"), [FIRST, AUDIO])
    assert accepted == AUDIO


@pytest.mark.parametrize("name", ["The Unabridged Journals", "Digital Fortress", "The Audiophile"])
def test_a_title_that_sounds_like_a_format_is_a_title(name):
    hit = record(name, "Sylvia Plath", isbn="9780316556347", binding="Paperback")
    assert choose(Candidate(name, "Sylvia Plath", format="Paperback"), [hit])[0] == hit


def test_a_third_volume_is_chosen_before_a_third_book():
    """Books often bind several volumes. The volume has more behind the colon, and the book the same title in full."""
    volume = record(
        "The Walking Dead Vol. 3",
        "Robert Kirkman",
        subtitle="Safety Behind Bars",
        isbn="9781582404875",
        published="2005",
    )
    book = record("The Walking Dead, Book Three", "Robert Kirkman", isbn="9781582408255", published="2007")
    named = Candidate("The Walking Dead Vol. 3", "Robert Kirkman", 2005)
    assert choose(named, [book, volume])[0] == volume
    assert choose(named, [book, replace(volume, subtitle="")])[0] == replace(volume, subtitle="")
    assert choose(named, [book])[0] == book


def test_a_title_behind_its_series_name_goes_before_one_with_a_word_more():
    hits = [
        record("Beautiful Chaos", "Kami Garcia", isbn="9780316123525"),
        record("Beautiful Chaos: The Return", "Kami Garcia", isbn="9781234557591"),
    ]
    assert choose(Candidate("Caster Chronicles 3: Beautiful Chaos", "Kami Garcia", 2011), hits)[0] == hits[0]


def test_two_works_that_fit_alike_are_not_guessed_between():
    hits = [
        record("The Book of Dust: La Belle Sauvage", "Philip Pullman", isbn="9780375815300"),
        record("The Book of Dust: The Secret Commonwealth", "Philip Pullman", isbn="9780553510669"),
    ]
    accepted, _, reason = choose(Candidate("The Book of Dust", "Philip Pullman"), hits)
    assert accepted is None
    assert reason.startswith("not sure enough")
    lives = [replace(hit, title=hit.title.replace(": ", ": A Story of ")) for hit in hits]
    accepted, _, reason = choose(Candidate("The Book of Dust", "Philip Pullman"), lives)
    assert accepted is None
    assert reason.startswith("two works fit equally well")
    accepted, *_ = choose(Candidate("The Book of Dust: La Belle Sauvage", "Philip Pullman"), hits)
    assert accepted == hits[0]


def test_a_look_alike_in_front_does_not_win():
    hits = [
        record("Summary of Circe by Madeline Miller", "Quick Notes", isbn="9781478975304"),
        record("Circe", "Nicelle Davis", isbn="9788491814122"),
        FIRST,
    ]
    assert choose(Candidate("Circe", "Madeline Miller"), hits)[0] == FIRST


def test_two_sources_raise_a_doubt_about_the_record_but_not_about_the_work():
    unsigned = [record("Circe", source=name, isbn="9780316556347") for name in ("first", "second")]
    assert choose(Candidate("Circe", "Madeline Miller"), unsigned[:1])[0] is None
    assert choose(Candidate("Circe", "Madeline Miller"), unsigned)[0] == unsigned[0]
    sequels = [
        record("Dune Messiah", "Frank Herbert", source=name, isbn="9780593098233") for name in ("first", "second")
    ]
    assert choose(Candidate("Dune", "Frank Herbert"), sequels)[0] is None


def test_a_work_without_an_isbn_is_no_answer():
    accepted, _, reason = choose(Candidate("Circe", "Madeline Miller"), [record("Circe", "Madeline Miller")])
    assert (accepted, reason) == (None, "the work is known, but no edition with an ISBN")
    assert choose(Candidate("Circe", "Madeline Miller"), []) == (None, [], "no source knows it")


CANDIDATE = Candidate("Emma", "Ann Lee")


def from_two(
    *, isbns=("9780316556347", "9780316556347"), sources=("first", "second"), title="Emma", authors=(), **facts
):
    return [
        record(title, *authors, source=source, isbn=isbn, **facts) for source, isbn in zip(sources, isbns, strict=True)
    ]


def test_a_doubt_is_raised_at_75_points_only():
    assert choose(CANDIDATE, from_two())[0] is not None
    assert choose(Candidate("Out of the Wild", "Ann Lee"), from_two(title="Out of Wild"))[0] is None


def test_a_doubt_is_raised_by_another_source_with_the_same_isbn_only():
    assert choose(CANDIDATE, from_two(sources=("first", "first")))[0] is None
    assert choose(CANDIDATE, from_two(isbns=("9780316556347", "9780316556323")))[0] is None
    assert choose(CANDIDATE, from_two(isbns=(None, None)))[0] is None


def test_a_confirmed_doubt_is_marked_and_an_acceptance_is_not():
    _, considered, _ = choose(CANDIDATE, from_two())
    assert [(found.verdict, found.reasons[-1]) for found in considered] == [
        (ACCEPT, "two sources agree on this ISBN")
    ] * 2
    _, considered, _ = choose(CANDIDATE, from_two(authors=("Ann Lee",)))
    assert [found.reasons[-1] for found in considered] == ["same author"] * 2


def test_a_refused_record_raises_nothing():
    """The second source must have the same book under the number."""
    hits = [*from_two()[:1], record("Persuasion", "Ann Lee", source="second", isbn="9780316556347")]
    assert choose(CANDIDATE, hits)[0] is None


def test_every_record_is_considered_best_first():
    hits = [record("Persuasion", "Ann Lee"), record("Emma", "Lee"), record("Emma", "Ann Lee", isbn="9780316556347")]
    _, considered, _ = choose(CANDIDATE, hits)
    assert [found.fit for found in considered] == [100.0, 90.0, 0.0]


@pytest.mark.parametrize(
    ("hits", "reason"),
    [
        ([], "no source knows it"),
        ([record("Persuasion", "Ann Lee")], "nothing fits: 'Persuasion': another title"),
        (
            [record("Persuasion", "Ann Lee"), record("Emma 2", "Ann Lee")],
            "nothing fits: 'Emma 2': one title has words more: 2; same author",
        ),
        (
            [record("Emma, Vol. 2", "Ann Lee"), record("Emma", work_key="w1"), record("Emma and", work_key="w1")],
            "not sure enough: 'Emma': same title; no author to compare",
        ),
        ([record("Emma")], "not sure enough: 'Emma': same title; no author to compare"),
        ([record("Emma", "Ann Lee")], "the work is known, but no edition with an ISBN"),
    ],
)
def test_a_refused_choice_has_its_reason(hits, reason):
    chosen, considered, why = choose(CANDIDATE, hits)
    assert (chosen, why) == (None, reason)
    assert len(considered) == len(hits)


def test_a_choice_has_its_reason():
    hit = record("Emma", "A. Lee", isbn="9780316556347")
    assert choose(CANDIDATE, [hit])[::2] == (hit, "same title; author agrees by family name and initial")


def test_the_best_work_must_lead_by_five_points():
    best = record("Emma: A Summer", "Lee Child", isbn="9780316556347")
    candidate = Candidate("Emma", "Lee Child", 2000)
    five = record("Emma: A Winter", "Lee Chold", isbn="9780316556323")
    assert sorted(found.fit for found in choose(candidate, [five, best])[1]) == [89.0, 94.0]
    assert choose(candidate, [five, best])[0] == best
    four = record("Emma: A Winter", "Lee Child", isbn="9780316556323", published="1990")
    assert sorted(found.fit for found in choose(candidate, [four, best])[1]) == [90.0, 94.0]
    chosen, _, why = choose(candidate, [four, best])
    assert (chosen, why) == (None, "two works fit equally well: 'Emma: A Summer' and 'Emma: A Winter'")


def test_a_doubted_work_in_front_does_not_hide_an_accepted_one():
    """Only the accepted work is chosen, and only if it leads."""
    doubted = record("Emma", isbn="9780316556323")
    accepted = record("Emma: A Long Summer", "Ann Lee", isbn="9780316556347")
    assert choose(CANDIDATE, [doubted, accepted])[0] == accepted


def test_records_with_the_source_s_own_work_key_are_one_work():
    """Whatever their titles: so a doubted subtitle is no rival of the same work."""
    first = record("Emma: A Summer", "Ann Lee", isbn="9780316556323", work_key="w1")
    second = record("Emma: A Winter", "Ann Lee", isbn="9780316556347", work_key="w1")
    assert choose(CANDIDATE, [first, second])[0] == first
    assert choose(CANDIDATE, [first, replace(second, work_key="w2")])[0] is None
    elsewhere = replace(second, source=SourceRecord("elsewhere", "1", NOON))
    assert choose(CANDIDATE, [first, elsewhere])[0] is None
    assert choose(CANDIDATE, [replace(first, work_key=""), replace(second, work_key="")])[0] is None


def test_a_record_is_compared_with_the_best_of_each_work():
    """Two subtitles of one title, which would be two works by themselves, are no rivals."""
    bare = record("Emma", "Ann Lee", isbn="9780316556347", published="1990")
    first = record("Emma: A Summer", "Ann Lee", isbn="9780316556323", published="2000")
    second = record("Emma: A Winter", "Ann Lee", isbn="9781432852474", published="2000")
    candidate = Candidate("Emma", "Ann Lee", 2000)
    assert [found.fit for found in choose(candidate, [bare, first, second])[1]] == [96.0, 96.0, 96.0]
    assert choose(candidate, [bare, first, second])[0] == first
    assert choose(candidate, [first, second])[0] is None


def test_works_are_compared_by_their_best_records():
    """A worse record of either work changes nothing."""
    best = record("Emma: A Summer", "Lee Child", isbn="9780316556347", work_key="w1")
    worse = record("Emma: A Late Summer", "Child", isbn="9780316556323", work_key="w1")
    rival = record("Emma: A Winter", "Lee Chold", isbn="9781432852474", work_key="w2")
    lesser = record("Emma: A Late Winter", "Child", isbn="9781478975304", work_key="w2")
    candidate = Candidate("Emma", "Lee Child", 2000)
    assert sorted(found.fit for found in choose(candidate, [best, worse, rival, lesser])[1]) == [64.0, 64.0, 89.0, 94.0]
    assert choose(candidate, [best, worse, rival, lesser])[0] == best
    near = replace(rival, authors=("Lee Child",), published=PartialDate(1990))
    chosen, _, why = choose(candidate, [best, worse, near, lesser])
    assert (chosen, why) == (None, "two works fit equally well: 'Emma: A Summer' and 'Emma: A Winter'")


def test_a_record_joins_two_works_into_one():
    """By its source's own work key it is the first, by its title the second; neither is then the other's rival."""
    summer = record(
        "Emma: A Summer", "Lee Child", source="first", work_key="w1", isbn="9780316556347", published="1999"
    )
    winter = record("Emma: A Winter", "Lee Child", source="second", isbn="9780316556323", published="1999")
    late = replace(winter, source=summer.source, work_key="w1", published=PartialDate(2004))
    candidate = Candidate("Emma", "Lee Child", 1999)
    assert choose(candidate, [summer, winter])[2].startswith("two works fit equally well")
    assert choose(candidate, [summer, winter, late])[0] in (summer, winter)


def test_editions_without_an_isbn_are_passed_over():
    hits = [
        record("Emma", "Ann Lee", published="1999"),
        record("Emma", "Ann Lee", isbn="9780316556347", published="2009"),
    ]
    assert choose(CANDIDATE, hits)[0] == hits[1]


def test_an_isbn_of_two_sources_goes_before_one_with_a_nearer_date():
    lone = record("Circe", "Madeline Miller", source="first", isbn="9780316556323", published="2018-04")
    agreed = [
        record("Circe", "Madeline Miller", source=name, isbn="9780316556347", published="2018-09")
        for name in ("second", "third")
    ]
    candidate = Candidate("Circe", "Madeline Miller", 2018, 4)
    assert choose(candidate, [lone, agreed[0]])[0] == lone
    assert choose(candidate, [lone, *agreed])[0] in agreed


def test_only_the_best_fitting_subtitle_is_chosen_from_one_work():
    """Where several subtitles compete, an earlier edition with the lesser one is not taken."""
    exact = record("Emma: A Summer", "Ann Lee", isbn="9780316556347", published="2009", work_key="w1")
    other = record("Emma: A Winter", "Ann Lee", isbn="9780316556323", published="1999", work_key="w1")
    candidate = Candidate("Emma: A Summer", "Ann Lee")
    assert choose(candidate, [other, exact])[0] == exact
    bare = record("Emma", "Ann Lee", isbn="9780316556323", published="1999", work_key="w1")
    assert choose(candidate, [bare, exact])[0] == bare
    child = replace(exact, authors=("Lee Child",))
    misspelt = replace(other, authors=("Lee Chold",))
    assert choose(Candidate("Emma", "Lee Child"), [misspelt, child])[0] == child
    initial = replace(other, authors=("L. Child",))
    assert choose(Candidate("Emma", "Lee Child"), [initial, child])[0] == initial


@pytest.mark.parametrize(("one", "other"), [("Ann Lee", "Bob Cole"), ("A. Lee", "B. Cole")])
def test_two_records_that_name_one_each_of_two_authors_are_of_one_book(one, other):
    """If both authors were named; to someone who named one of them, the other's book is another."""
    hits = [record("The Long Moor", one, isbn=FIRST.isbn13), record("The Long Moor", other, isbn=REPRINT.isbn13)]
    assert choose(Candidate("The Long Moor", "Ann Lee and Bob Cole"), hits)[0] in hits
    assert choose(Candidate("The Long Moor", "Ann Lee"), hits)[0] == hits[0]
