"""A near title is a doubt until a second fact confirms it, and a whole title goes before a part of one."""

import pytest

from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE, choose, merge, score
from alexandria.catalogue.models import Candidate

LEE = "Ann Lee"
ISBNS = ("9780316556347", "9781432852474")

SLIPS = {
    # rule: one, the other, the verdict
    "a word that exists for another that does": (("The Hunting Party", LEE), ("The Haunting Party", LEE), DOUBT),
    "one letter exchanged between two words": (("Goodnight, Grandma", LEE), ("Goodnight, Grandpa", LEE), DOUBT),
    "letters swapped into another word": (("The Angel of Rome", LEE), ("The Angle of Rome", LEE), DOUBT),
    "a word that does not exist": (("The Hunting Party", LEE), ("The Huntnig Party", LEE), ACCEPT),
    "a letter too few in a word": (("The Orchard Keeper", LEE), ("The Orchad Keeper", LEE), ACCEPT),
    "a letter doubled in a name": (("The Sampson Papers", LEE), ("The Samppson Papers", LEE), ACCEPT),
    "a name exchanged in an English title": (("The Dive from Clausen's Pier", LEE), ("The Dive from Claisen's Pier", LEE), ACCEPT),
    "a long word alone that becomes none": (("Sentinel", LEE), ("Santinel", LEE), ACCEPT),
    "a short word alone that becomes none": (("The Villa", LEE), ("The Villo", LEE), DOUBT),
    "a rare word beside a name": (("The Zorga Aphorisms", LEE), ("The Zorga Aphorsms", LEE), ACCEPT),
    "two words of no language beside a name": (("The Zorga Aphorsims", LEE), ("The Zorga Aphorsms", LEE), DOUBT),
    "two names alone": (("Corinna", LEE), ("Korinna", LEE), DOUBT),
    "British and American spelling": (("The Colour of Night", LEE), ("The Color of Night", LEE), ACCEPT),
    "British and American spelling of a name for a place": (("Theatre of War", LEE), ("Theater of War", LEE), ACCEPT),
    "the same number in the series": (("The Hunting Party (Moor, #2)", LEE), ("The Haunting Party (Moor, #2)", LEE), ACCEPT),
    "two books of one year": (("The Hunting Party", LEE, {"published": "2001"}), ("The Haunting Party", LEE, {"published": "2001"}), DOUBT),
    "two names and one year": (("Korinna", LEE, {"published": "2001"}), ("Corinna", LEE, {"published": "2001"}), ACCEPT),
    "a word of a very long title": (
        ("One Two Brave Kind Old Small Tall Wise Men Hunt", LEE), ("One Two Brave Kind Old Small Tall Wise Men Haunt", LEE), ACCEPT),
    "ordinals": (("Best Tales: Twenty-Third Annual Collection", LEE), ("Best Tales: Twenty-Fourth Annual Collection", LEE), DOUBT),
    "levels": (("Word Power: Level B", LEE), ("Word Power: Level H", LEE), REFUSE),
    "halves in Chinese": (("平凡的世界（上）", "路遥"), ("平凡的世界（下）", "路遥"), REFUSE),
    "an and in front": (("Sons", LEE), ("And Sons", LEE), DOUBT),
    "an ampersand in front": (("& Sons", LEE), ("Sons", LEE), DOUBT),
    "little words in front": (("Revival", LEE), ("and and Revival", LEE), DOUBT),
    "an and in front of a title of many words": (("Then There Were None", LEE), ("And Then There Were None", LEE), ACCEPT),
    "an and between two words": (("Peat Moor", LEE), ("Peat and Moor", LEE), ACCEPT),
    "years that are collected": (("Collected Tales (1965-1975)", LEE), ("Collected Tales (1976-1986)", LEE), DOUBT),
    "a placeholder": (("Untitled", LEE), ("Untitled", LEE), DOUBT),
    "a placeholder of the same year": (("Untitled", LEE, {"published": "2001"}), ("Untitled", LEE, {"published": "2001"}), ACCEPT),
    "years on one side": (("Collected Tales (1965-1975)", LEE), ("Collected Tales", LEE), ACCEPT),
}  # fmt: skip

SUBTITLES = {
    "a title of a volume": (("Moorland", LEE), ("Moorland: Into the Dark", LEE), DOUBT),
    "a title of a volume named after the hero": (("Mad Sailor Bob", LEE), ("Mad Sailor Bob: Bob's Final Journey", LEE), DOUBT),
    "a title of a volume of the same year": (("Moorland", LEE, {"published": "2001"}), ("Moorland: Into the Dark", LEE, {"published": "2001"}), ACCEPT),
    "a title of a volume of the next year": (("Moorland", LEE, {"published": "2001"}), ("Moorland: Into the Dark", LEE, {"published": "2002"}), DOUBT),
    "ISBNs that follow one another": (("Moorland", LEE, {"isbn": "9780307461186"}), ("Moorland: Into the Dark", LEE, {"isbn": "9780307461193"}), ACCEPT),
    "the same volume": (("Moorland, Vol. 3", LEE), ("Moorland, Vol. 3: Into the Dark", LEE), ACCEPT),
    "an and in front of the subtitle": (("Moorland: And Other Tales", LEE), ("Moorland: Other Tales", LEE), ACCEPT),
    "a description": (("Moorland", LEE), ("Moorland: A Walk Through the North", LEE), ACCEPT),
    "a description of many words": (("Moorland", LEE), ("Moorland: Walking the Hills of the North Alone", LEE), ACCEPT),
    "a description by its kind": (("Moorland", LEE), ("Moorland: The Story of Peat", LEE), ACCEPT),
    "a title of many words": (("The Last Days of the Moor", LEE), ("The Last Days of the Moor: Into the Dark", LEE), ACCEPT),
    "a word alone behind a title of many words": (("The Last Days of the Moor", LEE), ("The Last Days of the Moor: The Return", LEE), DOUBT),
    "a description in German": (("Das Moor", LEE), ("Das Moor: Die Geschichte eines Dorfes", LEE), ACCEPT),
    "an anniversary": (("Moorland", LEE), ("Moorland: 50th Anniversary Edition", LEE), ACCEPT),
    "an anniversary of a title that ends in a number": (("Moor-22", LEE), ("Moor-22: 50th Anniversary Edition", LEE), ACCEPT),
    "an alternative title after a bare or": (("Moorland or the Dark Days of Peat", LEE), ("Moorland", LEE), ACCEPT),
    "two descriptions of one year": (
        ("Moorland: An Anatomy of Peat", LEE, {"published": "2001"}), ("Moorland: An Atlas of Peat", LEE, {"published": "2001"}), ACCEPT),
    "two descriptions of two years": (
        ("Moorland: An Anatomy of Peat", LEE, {"published": "2001"}), ("Moorland: An Atlas of Peat", LEE, {"published": "2003"}), DOUBT),
    "an alternative title": (("Moorland; or, The Dark", LEE), ("Moorland", LEE), ACCEPT),
    "an alternative title in French": (("Lande, ou la Nuit du Nord", LEE), ("Lande", LEE), ACCEPT),
    "an alternative title in German": (("Lena oder Die seltsame Geschichte vom Moor", LEE), ("Lena", LEE), ACCEPT),
    "an alternative title in Polish": (("Pan Wrzos czyli Ostatni zajazd", LEE), ("Pan Wrzos", LEE), ACCEPT),
    "two things in German": (("Moor oder Torf", LEE), ("Moor", LEE), REFUSE),
    "another book with an alternative title": (("Lena, oder die Nacht", LEE), ("Lena im Moor", LEE), REFUSE),
    "a collection": (("The Ann Lee Collection", LEE), ("The Ann Lee Collection: How We Walked Over the Hills", LEE), DOUBT),
    "subtitles that share one word": (("Moorland Tales of Men: Tides of War", LEE), ("Moorland Tales of Men: War Crimes", LEE), DOUBT),
    "subtitles that differ in a little word": (("Moorland: Tales of Dark Days", LEE), ("Moorland: Tales from Dark Days", LEE), ACCEPT),
    "a description put differently": (
        ("The Moor Child at Play: Games for Children with Sensory Integration Trouble", LEE),
        ("The Moor Child at Play: Games for Children with Sensory Processing Disorders", LEE), ACCEPT),
    "a description that shares two words": (
        ("The Moor Child at Play: Games for Children with Hearing Trouble", LEE),
        ("The Moor Child at Play: Games for Children Learning Chess", LEE), DOUBT),
    "descriptions behind the author's own name": (
        ("Moor Cook Magazine: The Big Fun Kids Cookbook", "Moor Cook Magazine"),
        ("Moor Cook Magazine: The Big Fun Kids Baking Book", "Moor Cook Magazine"), DOUBT),
    "part of a title behind another heading": (("Dark Days: Tales of the North", LEE), ("Moor Stories: Dark Days", LEE), DOUBT),
}  # fmt: skip


@pytest.mark.parametrize("rule", SLIPS | SUBTITLES)
def test_near_titles_are_doubts_until_a_fact_confirms_them(rule, verdict):
    one, other, expected = (SLIPS | SUBTITLES)[rule]
    assert verdict(one, other) == expected


@pytest.mark.parametrize(
    "dates",
    [("2010", "2007-08"), (None, "2007-08"), ("1995", "2006-07"), ("2010", "2006-07")],
)
def test_the_whole_title_goes_before_a_part_of_it_whatever_the_dates(dates, record):
    """An undated or reprinted record of the book before a sequel of the year that was named."""
    book = record("Moorland", LEE, isbn=ISBNS[0], published=dates[0], language="en")
    sequel = record("Moorland: The Well of Peat", LEE, isbn=ISBNS[1], published=dates[1], language="en")
    for hits in ([book, sequel], [sequel, book]):
        assert choose(Candidate("Moorland", LEE, 2006, 7), hits)[0] == book


@pytest.mark.parametrize(("published", "expected"), [("2002-10", ACCEPT), ("2005-10", DOUBT)])
def test_a_reprint_named_by_its_own_year_is_the_book(published, expected, record):
    """The first year differs in both cases; it is no reason for a doubt where the edition is of the year named."""
    facts = {"isbn": ISBNS[0], "published": published, "first_published": 1995}
    reprint = record("The Last Days of the Moor: Winning the Land Back", LEE, **facts)
    assert score(Candidate("The Last Days of the Moor", LEE, 2002, 10), reprint).verdict == expected


def test_another_book_of_the_series_is_not_taken_for_the_first(record):
    sequel = record("Moorland: The Well of Peat", LEE, isbn=ISBNS[1], published="2007-08")
    assert choose(Candidate("Moorland", LEE, 2006), [sequel])[0] is None
    same_year = record("Moorland: The Well of Peat", LEE, isbn=ISBNS[1], published="2006-08")
    assert choose(Candidate("Moorland", LEE, 2006), [same_year])[0] == same_year


def test_a_title_that_one_source_cuts_is_in_doubt(record):
    """Another source has more behind the colon of the same ISBN. A second fact, or another edition, makes it sure."""
    cut = record("Moorland", LEE, isbn=ISBNS[1], source="first", published="2007")
    longer = record("Moorland: The Well of Peat", LEE, isbn=ISBNS[1], source="second", published="2007")
    described = record("Moorland: A Walk Through the Hills of the North", LEE, isbn=ISBNS[1], source="second")
    other = record("Moorland", LEE, isbn=ISBNS[0], published="2012")
    candidate = Candidate("Moorland", LEE)
    for hits in ([cut, longer], [longer, cut]):
        found, scored, _ = choose(candidate, hits)
        assert found is None
        assert any(
            "another record of this ISBN has the title 'Moorland: The Well of Peat'" in hit.reasons for hit in scored
        )
    assert choose(candidate, [cut])[0] == cut
    assert choose(candidate, [cut, described])[0] == cut
    assert choose(candidate, [cut, longer, other])[0] == other
    assert choose(Candidate("Moorland", LEE, 2007), [cut, longer])[0] == cut


def test_a_book_and_its_near_namesake_of_one_month_stay_two():
    named = [
        [Candidate("The Haunting Party", LEE, 2021, 8), Candidate("The Hunting Party", LEE, 2022, 1)],
        [Candidate("The Hunting Party", LEE, 2022, 1)],
    ]
    assert [found.title for found in merge(named)] == ["The Haunting Party", "The Hunting Party"]


def test_a_candidate_is_not_answered_with_its_near_namesake(record):
    hit = record("The Haunting Party", LEE, isbn=ISBNS[0], published="2021-08-12", source="first")
    candidate = Candidate("The Hunting Party", LEE, 2022, 1)
    assert score(candidate, hit).verdict == DOUBT
    twice = [hit, record("The Haunting Party", LEE, isbn=ISBNS[0], published="2021-08-12", source="second")]
    assert choose(candidate, twice)[0] is None


def test_a_group_of_one_book_is_compared_with_all_its_spellings():
    """ "Moorland, Vol. 1" is the book "Moorland" of 2001, but not the second volume that was named before."""
    named = [
        Candidate("Moorland, Vol. 1", LEE),
        Candidate("Moorland: A Walk Through the North, Vol. 1", LEE),
        Candidate("Moorland: A Walk Through the North, Vol. 2", LEE),
    ]
    assert [found.title for found in merge([named])] == [named[1].title, named[2].title]
