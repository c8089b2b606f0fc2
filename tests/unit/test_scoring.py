"""The points that each finding costs a pair of records, and the verdict that follows."""

from typing import Any

import pytest

from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE, same_work, score
from alexandria.catalogue.models import Candidate, EditionRecord
from tests.support.edition_records import record

LEE = "Ann Lee"
# rule: one record, the other, the score of the pair, the reason that decides
POINTS = {
    # titles
    "the same title": (("Emma", LEE), ("EMMA", LEE), 100, "same title"),
    "the same letters spaced otherwise": (("Dragon Fly", LEE), ("Dragonfly", LEE), 100, "same title"),
    "an article more": (("Out of the Wild", LEE), ("Out of Wild", LEE), 99, "same title but for an article"),
    "a title of nothing but articles": (("The The", LEE), ("The A", LEE), 0, "another title"),
    "the same words in another order": (("Blue and Red", LEE), ("Red and Blue", LEE), 94, "same words in another order"),
    "two words of one letter's difference": (("Redd River", LEE), ("Radd River", LEE), 93, "same title but for a slip of the pen"),
    "a letter exchanged in a word of three": (("Red River", LEE), ("Rad River", LEE), 70, "same title but for a slip of the pen"),
    "letters swapped in a word of three": (("Ant River", LEE), ("Atn River", LEE), 93, "same title but for a slip of the pen"),
    "a letter lost in a word of four": (("Redd River", LEE), ("Rdd River", LEE), 93, "same title but for a slip of the pen"),
    "a letter exchanged in a title of one long word": (("Reddish", LEE), ("Raddish", LEE), 93, "same title but for a slip of the pen"),
    "a letter exchanged in a title of one word of six": (("Garden", LEE), ("Gerden", LEE), 70, "same title but for a slip of the pen"),
    "a letter exchanged between a word and a rare one": (("Darkness", LEE), ("Dankness", LEE), 70, "same title but for a slip of the pen"),
    "a letter lost in a title of one word": (("Persuasion", LEE), ("Persuasin", LEE), 93, "same title but for a slip of the pen"),
    "a letter lost in a title of one short word": (("Redd", LEE), ("Rdd", LEE), 70, "same title but for a slip of the pen"),
    "letters swapped in a title of one short word": (("Redi", LEE), ("Reid", LEE), 70, "same title but for a slip of the pen"),
    "letters swapped in a title of one word of five": (("Reddi", LEE), ("Redid", LEE), 93, "same title but for a slip of the pen"),
    "two slips in five words": (("One Reed Fox Came Home", LEE), ("One Reedd Fox Caem Home", LEE), 93, "same title but for a slip of the pen"),
    "three slips in five words": (("One Reed Fogs Came Home", LEE), ("One Reedd Foggs Caem Home", LEE), 0, "another title"),
    "two slips in four words": (("Reed Fox Came Home", LEE), ("Reedd Fox Caem Home", LEE), 0, "another title"),
    "a slip and another word in five": (("One Reed Fox Came Home", LEE), ("One Reedd Fox Went Home", LEE), 0, "another title"),
    "a space and a slip in eight letters": (("Sun Flower", LEE), ("Sunflwer", LEE), 92, "same title but for a slip of the pen"),
    "a space and a slip in seven letters": (("Sun Flowe", LEE), ("Sunflwe", LEE), 0, "another title"),
    "no word in common": (("Emma", LEE), ("Persuasion", LEE), 0, "another title"),
    # parts of titles
    "a subtitle on one side": (("Emma", LEE), ("Emma: A Long Summer", LEE), 94, "same title before the colon"),
    "a subtitle and an article": (("Out of the Wild", LEE), ("Out of Wild: A Long Summer", LEE), 93, "same title before the colon"),
    "a subtitle of its own on each side": (("Emma: One Summer", LEE), ("Emma: Two Winters", LEE), 70, "same main title, but another subtitle"),
    "a subtitle of its own and an article": (("Out of the Wild: One Summer", LEE), ("Out of Wild: Two Winters", LEE), 69, "same main title, but another subtitle"),
    "a subtitle put differently": (("Grand Old Emma: Her Good Long Years", LEE), ("Grand Old Emma: Good Years", LEE), 91, "same main title, subtitle put differently"),
    "a subtitle put differently, and an article": (("Grand Old Emma of the Sea: Her Good Long Years", LEE), ("Grand Old Emma of Sea: Good Years", LEE), 90, "same main title, subtitle put differently"),
    "a subtitle put differently under a short title": (("Grand Emma: One Good Life", LEE), ("Grand Emma: Our Good Life", LEE), 70, "same main title, but another subtitle"),
    "subtitles that share less than half": (("Grand Old Emma: Very Good Lives", LEE), ("Grand Old Emma: Our Good End", LEE), 70, "same main title, but another subtitle"),
    "subtitles that share half": (("Grand Old Emma: Good Lives", LEE), ("Grand Old Emma: Good Bitter End", LEE), 70, "same main title, but another subtitle"),
    "subtitles that share half, of one year": (record("Grand Old Emma: Good Lives", LEE, published="2001"), record("Grand Old Emma: Good Bitter End", LEE, published="2001"), 91, "same main title, subtitle put differently"),
    "subtitles of one word": (("Grand Old Emma: Goodness", LEE), ("Grand Old Emma: Goodness Knows", LEE), 70, "same main title, but another subtitle"),
    "subtitles that share articles": (("Grand Old Emma: And the Sea", LEE), ("Grand Old Emma: And the Sky", LEE), 70, "same main title, but another subtitle"),
    "the name of the series": (("Warriors", LEE), ("Warriors: Into the Wild (Warriors, #2)", LEE), 70, "one title is only the name of the series"),
    "the name of the series and its first book": (("Warriors", LEE), ("Warriors: Into the Wild (Warriors, #1)", LEE), 94, "same title before the colon"),
    "the name of the series without a number": (("Warriors", LEE), record("Warriors: Into the Wild", LEE, series="Warriors"), 70, "same title before the colon, but what follows may be another book"),
    "the name of another series": (("Warriors", LEE), ("Warriors: Into the Wild (Cats, #2)", LEE), 94, "same title before the colon"),
    "perhaps the whole trilogy": (("Emma", LEE), ("Emma: The Highbury Trilogy", LEE), 70, "one may be the whole trilogy"),
    "a series in front": (("Night Song", LEE), ("Discworld 8: Night Song", LEE), 98, "same title after the name of a series or person"),
    "a series in front, known from the series field": (("Night Song", LEE), record("Discworld: Night Song", LEE, series="The Discworld, #8"), 98, "same title after the name of a series or person"),
    "a series in front, known from the other record": (record("Night Song", LEE, series="Discworld"), ("Discworld: Night Song", LEE), 98, "same title after the name of a series or person"),
    "the author in front": (("Night Song", LEE), ("Ann Lee: Night Song", LEE), 98, "same title after the name of a series or person"),
    "the author's possessive in front": (("Night Song", LEE), ("Lee's: Night Song", LEE), 98, "same title after the name of a series or person"),
    "a series in front of a title with a subtitle": (("Night Song: The Long Summer", LEE), ("Discworld 8: Night Song", LEE), 98, "same title after the name of a series or person"),
    "a series in front of a title with one word more": (("Night Song: The Return", LEE), ("Discworld 8: Night Song", LEE), 70, "same title before the colon, but what follows may be another book"),
    "a series in front, and an article": (("Out of the Wild", LEE), ("Discworld 8: Out of Wild", LEE), 97, "same title after the name of a series or person"),
    "another heading in front": (("Night Song", LEE), ("Discworld: Night Song", LEE), 88, "same title after another heading"),
    "another heading in front, and an article": (("Out of the Wild", LEE), ("Discworld: Out of Wild", LEE), 87, "same title after another heading"),
    "another heading in front of one word": (("Nightsong", LEE), ("Discworld: Nightsong", LEE), 70, "same title after another heading"),
    "another heading in front of a word and an article": (("Song and", LEE), ("Discworld: Song and", LEE), 70, "same title after another heading"),
    "a misspelt article": (("Emma", LEE), ("Teh Emma", LEE), 91, "same title but for a slip of the pen in the article"),
    "a misspelt article elsewhere": (("Emma", LEE), ("Emma Teh", LEE), 70, "one title has a word more: teh"),
    "the author's name in the title": (("Emma", LEE), ("Lee's Emma", LEE), 96, "same title but for the author's name in it"),
    "of the author": (("Poems", LEE), ("Poems of Ann Lee", LEE), 96, "same title but for the author's name in it"),
    "by the author": (("Emma", LEE), ("Emma by Lee", LEE), 96, "same title but for the author's name in it"),
    "by without a name": (("Emma", LEE), ("Emma by", LEE), 70, "one title has a word more: by"),
    "the author's name and more": (("Emma", LEE), ("Big Emma by Lee", LEE), 45, "one title has words more: big by lee"),
    "a word more": (("Emma", LEE), ("Emma Rides", LEE), 70, "one title has a word more: rides"),
    "a number more": (("Emma", LEE), ("Emma 2", LEE), 45, "one title has words more: 2"),
    "the same word twice": (("Emma", LEE), ("Emma Emma", LEE), 70, "one title has a word more: emma"),
    "two words more": (("Emma", LEE), ("Emma Rides Out", LEE), 45, "one title has words more: rides out"),
    # other scripts
    "another script": (("Анна Каренина", LEE), ("Anna Karenina", LEE), 94, "same title in another script"),
    "another script, just alike enough": (("Преступление и наказание", LEE), ("Prestuplenie i kazny", LEE), 94, "same title in another script"),
    "another script, not alike enough": (("Преступление и наказание", LEE), ("Prestuplenie i kaz", LEE), 0, "another title"),
    "another script, another number": (("Анна Каренина 1", LEE), ("Anna Karenina 2", LEE), 0, "another title"),
    "marks only": (("…", LEE), ("Ω…", LEE), 0, "another title"),
    # kinds
    "a study guide of the book": (("Emma", LEE), ("Emma Study Guide", LEE), 0, "one is a study guide or summary, the other is not"),
    "two study guides": (("Emma Study Guide", LEE), ("Emma: Study Guide", LEE), 100, "same title"),
    "half of a book by its series field": (("Emma", LEE), record("Emma", LEE, series="Highbury, Part 1 of 2"), 0, "one is a part of a divided book, the other is not"),
    "another kind by its series field is ignored": (("Emma", LEE), record("Emma", LEE, series="Study Guide"), 100, "same title"),
    # authors
    "the author by an initial": (("Emma", LEE), ("Emma", "A. Lee"), 98, "author agrees by family name and initial"),
    "the author misspelt": (("Emma", "Lee Child"), ("Emma", "Lee Chold"), 95, "author agrees but for the spelling"),
    "the author's family name": (("Emma", LEE), ("Emma", "Lee"), 90, "only the author's family name is known to agree"),
    "another name of the author": (("Emma", "Robert Galbraith"), ("Emma", "J.K. Rowling"), 97, "another name of the author"),
    "the author's given name in another language": (("Big Emma", "Alexander Moor"), ("Big Emma", "Alejandro Moor"), 88, "the author's names are perhaps two spellings of one"),
    "authors in two scripts": (("Big Emma", "Haruki Murakami"), ("Big Emma", "村上春樹"), 88, "the authors are written in two scripts, which cannot be compared"),
    "authors in two scripts of a short title": (("Emma", "Haruki Murakami"), ("Emma", "村上春樹"), 75, "the authors are written in two scripts, and the title is short"),
    "authors in two scripts and one year": (
        record("Emma", "Haruki Murakami", published="2001"), record("Emma", "村上春樹", published="2001"), 92, "the authors are written in two scripts, and another fact agrees"),
    "two anonymous authors": (("Emma", "Anonymous"), ("Emma", "Anónimo"), 95, "both are anonymous"),
    "no author": (("Emma", LEE), ("Emma",), 75, "no author to compare"),
    "another author": (("Emma", LEE), ("Emma", "Bob Cole"), 0, "another author"),
    "half a title and a family name": (("Emma", LEE), ("Emma: A Long Summer", "Lee"), 64, "only part of the title agrees, and the author's given name does not confirm it"),
    "half a title and no author": (("Emma", LEE), ("Emma: A Long Summer",), 49, "only part of the title agrees, and the author's given name does not confirm it"),
    "half a title and a misspelt author": (("Emma", "Lee Child"), ("Emma: A Long Summer", "Lee Chold"), 89, "author agrees but for the spelling"),
    "an author who is second": (("Emma", LEE), ("Emma", "Bob Cole", LEE), 94, "the author is not the first named"),
    "an author who is second, of half a title": (("Emma", LEE), ("Emma: A Long Summer", "Bob Cole", LEE), 78, "the author is not the first named"),
    "a second author more": (("Emma", LEE), ("Emma", LEE, "Bob Cole"), 100, "same title"),
    "authors in another order": (("Emma", LEE, "Bob Cole"), ("Emma", "Bob Cole", LEE), 100, "same title"),
    "a family name that is second": (("Emma", LEE), ("Emma", "Bob Cole", "Lee"), 84, "the author is not the first named"),
    "no first author on one side": (("Emma",), ("Emma", "Bob Cole"), 75, "no author to compare"),
    # numbers
    "equal volumes": (("Emma, Vol. 2", LEE), ("Emma, Volume Two", LEE), 100, "same title"),
    "different volumes": (("Emma, Vol. 3", LEE), ("Emma, Vol. 2", LEE), 0, "volume numbers differ: 3 and 2"),
    "a book is not a volume": (("Emma, Book 2", LEE), ("Emma, Vol. 2", LEE), 90, "one counts books, the other volumes"),
    "a part may be a volume": (("Emma, Part 2", LEE), ("Emma, Vol. 2", LEE), 100, "same title"),
    "a volume on one side": (("Emma, Vol. 2", LEE), ("Emma", LEE), 70, "one is numbered 2, the other is not"),
    "a volume and the series' number": (("Emma, Vol. 2", LEE), ("Emma (Highbury, #2)", LEE), 100, "same title"),
    "a volume and the series field's number": (("Emma, Vol. 2", LEE), record("Emma", LEE, series="Highbury, #2"), 100, "same title"),
    "a volume and another series' number": (("Emma, Vol. 2", LEE), ("Emma (Highbury, #3)", LEE), 70, "one is numbered 2, the other is not"),
    "a part and the series' number": (("Emma, Part 2", LEE), ("Emma (Highbury, #2)", LEE), 70, "one is numbered 2, the other is not"),
    "a volume on one side of a title in full": (("Emma: The Long Summer, Vol. 2", LEE), ("Emma: The Long Summer", LEE), 97, "only one states its number, 2"),
    "a volume on one side of a title in full that another numbers": (("Emma: The Long Summer, Vol. 2", LEE), ("Emma: The Long Summer (Highbury, #3)", LEE), 70, "one is numbered 2, the other is not"),
    "a volume on one side of half a title": (("Emma: The Long Summer, Vol. 2", LEE), ("Emma", LEE), 64, "one is numbered 2, the other is not"),
    "a volume on one side of a title after the author's name": (("Night Song, Vol. 2", LEE), ("Ann Lee: Night Song", LEE), 95, "only one states its number, 2"),
    "several volumes": (("Emma, Vol. 2, Part 3", LEE), ("Emma, Vol. 3, Part 2", LEE), 100, "same title"),
    # series
    "the same number in the series": (("Emma Rides (Highbury, #2)", LEE), ("Emma Rids (Highbury, #2)", LEE), 95, "same number in the series, 2"),
    "another number in the series": (("Emma (Highbury, #2)", LEE), ("Emma (Highbury, #3)", LEE), 70, "numbers in the series differ: 2 and 3"),
    "another number in the series, not quite the title": (("Emma Rides (Highbury, #2)", LEE), ("Emma Rids (Highbury, #3)", LEE), 0, "numbers in the series differ: 2 and 3"),
    "another number in another series": (("Emma (Highbury, #2)", LEE), ("Emma (Hartfield, #3)", LEE), 100, "same title"),
    "a series whose name is longer": (("Emma (Highbury, #2)", LEE), ("Emma (The Highbury Tales, #3)", LEE), 70, "numbers in the series differ: 2 and 3"),
    "one of two numbers in the series": (record("Emma", LEE, series="Highbury, #2; Highbury Tales, #9"), ("Emma (Highbury, #9)", LEE), 100, "same title"),
    "none of two numbers in the series": (record("Emma", LEE, series="Highbury, #2; Highbury Tales, #9"), ("Emma (Highbury, #3)", LEE), 70, "numbers in the series differ: 2 and 3"),
    "neither of the other's two numbers in the series": (("Emma (Highbury, #3)", LEE), record("Emma", LEE, series="Highbury, #2; Highbury Tales, #9"), 70, "numbers in the series differ: 3 and 2"),
    "a series without a number": (record("Emma", LEE, series="Highbury"), ("Emma (Highbury, #3)", LEE), 100, "same title"),
}  # fmt: skip


@pytest.mark.parametrize("rule", POINTS)
def test_each_finding_costs_its_points(rule):
    """Either way round."""
    one, other, points, reason = POINTS[rule]
    one, other = (found if isinstance(found, EditionRecord) else record(*found) for found in (one, other))
    found, turned = same_work(one, other), same_work(other, one)
    assert (found.fit, turned.fit) == (points, points)
    assert reason in found.reasons
    assert found.verdict == turned.verdict == (ACCEPT if points >= 85 else DOUBT if points >= 60 else REFUSE)


def test_an_article_of_any_language_costs_one_point():
    articles = [
        "a", "an", "the", "le", "la", "les", "un", "une", "el", "los", "las", "una", "der", "die", "das", "ein", "eine", "il",
        "lo", "gli", "o", "os", "um", "uma", "de", "het", "een", "and",
    ]  # fmt: skip
    whole = record("Long Summer", LEE)
    points = {article: same_work(whole, record(f"Long {article} Summer", LEE)).fit for article in articles}
    assert points == dict.fromkeys(articles, 99.0)


def test_another_author_is_refused_with_the_reason():
    found = score(
        Candidate("The Cellist of Sarajevo", "P.C. Cast"), record("The Cellist of Sarajevo", "Steven Galloway")
    )
    assert (found.verdict, found.reasons) == (REFUSE, ("same title", "another author"))


def test_half_a_title_needs_a_given_name():
    """A family name alone may be Frank or Brian Herbert."""
    hit = record("Dune: House Atreides", "Herbert")
    assert score(Candidate("Dune", "Frank Herbert"), hit).verdict != ACCEPT
    assert score(Candidate("Cleopatra", "S. Schiff"), record("Cleopatra: A Life", "Stacy Schiff")).verdict == ACCEPT


def test_a_hit_without_an_author_is_doubted():
    assert score(Candidate("Gilead", "Marilynne Robinson"), record("Gilead")).verdict == DOUBT


def test_the_work_s_year_weighs_and_a_reprint_s_does_not():
    candidate = Candidate("Emma", "Jane Austen", year=1815)
    near = score(candidate, record("Emma", "J. Austen", first_published=1816)).fit
    reprint = score(candidate, record("Emma", "J. Austen", published="2003-05")).fit
    far = score(candidate, record("Emma", "J. Austen", first_published=1990)).fit
    assert near > reprint > far


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"binding": "Audio CD"}, "audio"),
        ({"language": "spa"}, "language"),
        ({"title": "Circe (German Edition)"}, "language"),
    ],
)
def test_editions_that_were_not_meant_are_not_believed(facts, word):
    """Audio where print was meant, and translations."""
    hit = record(facts.pop("title", "Circe"), "Madeline Miller", isbn="9780316556347", **facts)
    found = score(Candidate("Circe", "Madeline Miller"), hit)
    assert found.verdict == DOUBT
    assert word in found.reasons[-1]


def test_a_foreign_title_is_found_in_its_own_language():
    """Also where the source wrongly calls it English."""
    french, japanese = (
        Candidate("Voyage au bout de la nuit", "Louis-Ferdinand Céline"),
        Candidate("呪術廻戦", "芥見下々"),
    )
    for candidate, language in [
        (french, "fre"),
        (french, "fr"),
        (french, "en"),
        (french, ""),
        (japanese, "ja"),
        (japanese, "en"),
    ]:
        assert score(candidate, record(candidate.title, candidate.author, language=language)).verdict == ACCEPT


# rule: year named, what the record dates, the score, the reason ("" if the years are ignored)
YEARS: dict[str, tuple[int | None, dict[str, Any], int, str]] = {
    "the year named": (2018, {"published": "2018-04"}, 100, "published 2018, as named"),
    "a year later": (2018, {"published": "2019"}, 100, "published 2019, as named"),
    "a year earlier": (2018, {"published": "2017"}, 100, "published 2017, as named"),
    "two years later": (2018, {"published": "2020"}, 98, ""),
    "three years earlier": (2018, {"published": "2015"}, 98, ""),
    "a reprint": (2018, {"published": "2022"}, 96, "this edition is of 2022, 2018 was named"),
    "an edition before the book": (2018, {"published": "2014"}, 94, "this edition is of 2014, 2018 was named"),
    "the work's first year": (2018, {"first_published": 2019, "published": "2001"}, 100, "published 2019, as named"),
    "another first year of the work": (2018, {"first_published": 2022}, 92, "first published 2022, not 2018"),
    "a first year three years off": (2018, {"first_published": 2021}, 98, ""),
    "no year named": (None, {"published": "2001"}, 98, ""),
    "no year known": (2018, {}, 98, ""),
}  # fmt: skip


@pytest.mark.parametrize("rule", YEARS)
def test_the_year_costs_its_points(rule):
    year, dates, points, reason = YEARS[rule]
    found = score(Candidate("Circe", "M. Miller", year), record("Circe", "Madeline Miller", **dates))
    assert found.fit == points
    assert found.reasons[2:] == ((reason,) if reason else ())


def test_half_a_title_and_another_first_year_is_another_book():
    candidate = Candidate("Circe", "Madeline Miller", 2018)
    assert score(candidate, record("Circe: A Long Summer", "Madeline Miller", first_published=2020)).fit == 84
    assert score(candidate, record("Circe: A Long Summer", "Madeline Miller", published="2020")).fit == 94
    assert score(candidate, record("Circe: A Long Summer", "Madeline Miller", first_published=2019)).fit == 96


def test_a_refused_record_gets_no_further_findings():
    """Neither year nor language is given as a reason where title or author differ."""
    hit = record("Persuasion", "Madeline Miller", published="2018", language="es", binding="Audio CD")
    assert score(Candidate("Circe", "Madeline Miller", 2018), hit).reasons == ("another title",)


def test_a_score_lies_between_0_and_100():
    found = score(Candidate("Circe", "Madeline Miller", 2018), record("Circe", "Madeline Miller", published="2018"))
    assert found.fit == 100.0
    assert score(Candidate("Circe", "Madeline Miller"), record("Circe Study Guide", "Bob Cole")).fit == 0.0


EDITIONS = {
    # rule: candidate's title and format, the record's facts, the score
    "a recording where print was meant by default": ("Circe", "", {"binding": "Audio CD"}, 70),
    "a recording where print was named": ("Circe", "Hardcover", {"binding": "Audio CD"}, 0),
    "a recording where one was named": ("Circe", "Audiobook", {"binding": "Audio CD"}, 100),
    "print where a recording was named": ("Circe", "Audiobook", {"binding": "Hardcover"}, 100),
    "an e-book where print was meant": ("Circe", "", {"binding": "Kindle"}, 100),
    "large print where print was meant": ("Circe", "", {"binding": "Large Print"}, 100),
    "the title's language": ("Circe and the Sea", "", {"language": "eng"}, 100),
    "no language": ("Circe", "", {"language": ""}, 100),
    "a translation by its language": ("Circe and the Sea", "", {"language": "spa"}, 84),
    "a translation by its title": ("Circe", "", {"title": "Circe (Spanish Edition)"}, 70),
    "a translation by its title, any language of the table": ("Circe", "", {"title": "Circe (Turkish Edition)", "language": "en"}, 70),
    "a title's word against the language field": ("Circe", "", {"title": "Circe (Spanish Edition)", "language": "en"}, 70),
    "a foreign title that the source calls English": ("Les fleurs du mal", "", {"language": "en"}, 100),
    "a foreign title but for an article, called English": ("Cuentos de los niños y el mar", "", {"title": "Cuentos de niños y el mar", "language": "en"}, 99),
    "a foreign title that is misspelt, called English": ("Les fleurs du malheur", "", {"title": "Les fleurs du malhuer", "language": "en"}, 77),
    "a foreign title after its series, called English": ("Les fleurs du mal", "", {"title": "Poésie 8: Les fleurs du mal", "language": "en"}, 82),
    "an English title that the source calls Spanish": ("Circe of the Sea", "", {"language": "es"}, 84),
    "a title whose language is unsure": ("Un", "", {"language": "de"}, 100),
    "a language of the same script": ("Война и мир", "", {"language": "uk"}, 100),
    "a language of another script": ("Война и мир", "", {"language": "ja"}, 84),
}  # fmt: skip


@pytest.mark.parametrize("rule", EDITIONS)
def test_the_edition_costs_its_points(rule):
    name, format_, facts, points = EDITIONS[rule]
    facts = dict(facts)
    hit = record(facts.pop("title", name), "Madeline Miller", **facts)
    assert score(Candidate(name, "Madeline Miller", format=format_), hit).fit == points


def test_languages_that_share_a_script_are_not_distinguished_by_it():
    """A title in Cyrillic letters may be Ukrainian, but not Japanese."""
    kindred = {
        "Война": ["ru", "uk", "bg", "sr", "be", "mk"],
        "平凡的世界": ["zh", "ja", "ko"],
        "المدينة": ["ar", "fa", "ur"],
        "गोदान": ["hi", "mr", "ne", "sa"],
    }
    every = {code for codes in kindred.values() for code in codes}
    accepted = {
        name: {
            code
            for code in every
            if score(Candidate(name, "Ann Lee"), record(name, "Ann Lee", language=code)).fit == 100
        }
        for name in kindred
    }
    assert accepted == {name: set(codes) for name, codes in kindred.items()}


def test_the_verdict_changes_at_85_and_at_60():
    """Fifteen points are still an acceptance, forty still a doubt; one more is not."""
    emma = record("Emma", "Ann Lee")
    second = record("Teh Emma", "Bob Cole", "Ann Lee")
    assert (same_work(emma, second).fit, same_work(emma, second).verdict) == (85.0, ACCEPT)
    family = record("Emma", "Bob Cole", "Lee")
    assert (same_work(emma, family).fit, same_work(emma, family).verdict) == (84.0, DOUBT)
    volume = record("Emma, Vol. 2", "Lee")
    assert (same_work(emma, volume).fit, same_work(emma, volume).verdict) == (60.0, DOUBT)
    wild, part = record("Out of the Wild", "Ann Lee"), record("Out of Wild, Vol. 2", "Lee")
    assert (same_work(wild, part).fit, same_work(wild, part).verdict) == (59.0, REFUSE)
