"""The matcher: what is one work, which edition is meant, and why."""

from datetime import UTC, datetime

import pytest

from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE, choose, merge, same_work, score, work_key
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def record(title, *authors, subtitle="", source="shelf", isbn=None, published=None, **facts):
    date = PartialDate(*(int(part) for part in published.split("-"))) if published else None
    isbn13 = Isbn13.parse(isbn) if isbn else None
    found = SourceRecord(source, title, NOON)
    return EditionRecord(found, title, subtitle, authors, isbn13=isbn13, published=date, **facts)


SAME = {
    "article dropped": (("The Whistler", "John Grisham"), ("Whistler", "John Grisham")),
    "article moved": (("The House of Silk", "Anthony Horowitz"), ("House of Silk, The", "Anthony Horowitz")),
    "article of another language": (("L'Étranger", "Albert Camus"), ("Létranger", "Albert Camus")),
    "capitals": (("Never Let Me Go", "Kazuo Ishiguro"), ("NEVER LET ME GO", "Kazuo Ishiguro")),
    "diacritics": (("Los detectives salvajes", "Roberto Bolaño"), ("LOS DETECTIVES SALVAJES", "Roberto Bolano")),
    "ampersand": (("Jonathan Strange & Mr Norrell", "Susanna Clarke"), ("Jonathan Strange and Mr. Norrell", "Susanna Clarke")),
    "apostrophes": (("The Hangman’s Daughter", "Oliver Pötzsch"), ("The Hangmans Daughter", "Oliver Potzsch")),
    "number word": (("Two Graves", "Douglas Preston"), ("2 Graves", "Douglas Preston")),
    "spoken year": (("Nineteen Eighty-Four", "George Orwell"), ("1984", "George Orwell")),
    "ordinal": (("Seventh Heaven", "Alice Hoffman"), ("7th Heaven", "Alice Hoffman")),
    "Roman numeral": (("Henry IV, Part II", "William Shakespeare"), ("Henry IV Part 2", "William Shakespeare")),
    "slip of the pen": (("The Huntress", "Kate Quinn"), ("The Hntress", "Kate Quinn")),
    "letters swapped": (("Mystic River", "Dennis Lehane"), ("Mystic Rievr", "Dennis Lehane")),
    "a novel": (("Gilead", "Marilynne Robinson"), ("Gilead: A Novel", "Marilynne Robinson")),
    "subtitle missing": (("Cleopatra: A Life of Power", "Stacy Schiff"), ("Cleopatra", "Stacy Schiff")),
    "subtitle after a dash": (("Quiet: The Power of Introverts", "Susan Cain"), ("Quiet - The Power of Introverts", "Susan Cain")),
    "book club": (("Yesteryear", "Caro Claire Burke"), ("Yesteryear: A GMA Book Club Pick", "Caro Claire Burke")),
    "series in parentheses": (("The Narrows", "Michael Connelly"), ("The Narrows (Harry Bosch, #10)", "Michael Connelly")),
    "series in front": (("The House of Silk", "Anthony Horowitz"), ("Sherlock Holmes 1: The House of Silk", "Anthony Horowitz")),
    "series behind": (("A Game of Thrones", "George R. R. Martin"), ("A Game of Thrones: A Song of Ice and Fire: Book One", "George R.R. Martin")),
    "format": (("Loving Frank", "Nancy Horan"), ("Loving Frank (Paperback)", "Nancy Horan")),
    "edition": (("Moby-Dick", "Herman Melville"), ("Moby Dick 150th Anniversary Edition", "Herman Melville")),
    "alternative title": (("Moby-Dick; or, The Whale", "Herman Melville"), ("Moby Dick", "Herman Melville")),
    "author in the title": (("The Republic", "Plato"), ("Plato's Republic", "Plato")),
    "inverted name": (("The Da Vinci Code", "Dan Brown"), ("The Da Vinci Code", "Brown, Dan")),
    "degree": (("1001 Ways to Reward Employees", "Bob Nelson"), ("1001 Ways to Reward Employees", "Nelson, Bob, Ph.D.")),
    "life dates": (("Constable on the Hill", "Nicholas Rhea"), ("Constable on the Hill", "Rhea, Nicholas , 1936-2017")),
    "unmarked inversion": (("Night Magic", "Charlotte Vale Allen"), ("Night Magic", "Allen Charlotte Vale")),
    "role": (("Dangerous Visions", "Harlan Ellison"), ("Dangerous Visions", "Harlan Ellison (editor)")),
    "initials": (("The Silmarillion", "J.R.R. Tolkien"), ("The Silmarillion", "JRR Tolkien")),
    "first name as initial": (("Drown", "Junot Díaz"), ("Drown", "J. Diaz")),
    "short name": (("Good to Great", "Jim Collins"), ("Good to Great", "James C. Collins")),
    "second surname": (("Ficciones del sur", "Gabriel García"), ("Ficciones del sur", "Gabriel García Márquez")),
    "particle": (("The Dispossessed", "Ursula K. Le Guin"), ("The Dispossessed", "Le Guin, Ursula K.")),
    "name over two entries": (("Sea of Dreams", "Frank Smith"), ("Sea of Dreams", "Smith", "Frank")),
    "co-author first": (("4th of July", "James Patterson"), ("4th of July", "Maxine Paetro", "James Patterson")),
    "co-authors in one string": (("7th Heaven", "Maxine Paetro, James Patterson"), ("7th Heaven", "James Patterson", "Maxine Paetro")),
    "co-authors jumbled in one string": (("Lammas Night", "Deborah Turner Harris"), ("Lammas Night", "Katherine & Harris, Deborah Turner Kurtz")),
    "wrong capitals and an edition's name": (("Up in Flames", "Ann Lee"), ("Up In FLAMES (severn House Large Print)", "Lee, Ann")),
    "misspelt author": (("No Plan B", "Lee Child"), ("No Plan B", "Lee Chold")),
    "transliteration": (("Война и мир", "Лев Толстой"), ("Voina i mir", "Lev Tolstoi")),
}  # fmt: skip
DIFFERENT = {
    "look-alikes": (("The Midnight Line", "Lee Child"), ("The Midnight Library", "Matt Haig")),
    "sequel": (("Dune", "Frank Herbert"), ("Dune Messiah", "Frank Herbert")),
    "series of another author": (("Dune", "Frank Herbert"), ("Dune: House Atreides", "Brian Herbert", "Kevin J. Anderson")),
    "volumes of a series": (("Harry Potter and the Order of the Phoenix", "J.K. Rowling"), ("Harry Potter and the Half-Blood Prince", "J.K. Rowling")),
    "volume numbers": (("Vampire Knight, Vol. 3", "Matsuri Hino"), ("Vampire Knight, Vol. 2", "Matsuri Hino")),
    "numbers in words": (("Lore Olympus: Volume Three", "Rachel Smythe"), ("Lore Olympus, Vol. 4", "Rachel Smythe")),
    "numbers in the series": (("Warriors: The Prophecies Begin #1", "Erin Hunter"), ("Warriors: The Prophecies Begin #2", "Erin Hunter")),
    "volume of an unnumbered title": (("Private, Book 16", "James Patterson"), ("Private", "James Patterson")),
    "years of an annual": (("Cook's Illustrated 2005", "Cook's Illustrated"), ("Cook's Illustrated 2006", "Cook's Illustrated")),
    "months of a magazine": (("Story Monsters Ink, May 2024", "Linda Radke"), ("Story Monsters Ink, June 2024", "Linda Radke")),
    "same title": (("The Villa", "Nora Roberts"), ("The Villa", "Rachel Hawkins")),
    "same family name": (("Stolen", "Kelley Armstrong"), ("Stolen", "Lucy Armstrong")),
    "another word": (("Cold Vengeance", "Douglas Preston"), ("Angel of Vengeance", "Douglas Preston")),
    "short words": (("Click, Clack, Moo", "Doreen Cronin"), ("Click, Clack, Boo", "Doreen Cronin")),
    "one word, one letter": (("Fever", "Lauren DeStefano"), ("Sever", "Lauren DeStefano")),
    "subtitles of a series": (("Star Wars: Ahsoka", "E. K. Johnston"), ("Star Wars: Queen's Shadow", "E. K. Johnston")),
    "study guide": (("Mrs. Dalloway", "Virginia Woolf"), ("Mrs. Dalloway (SparkNotes Literature Guide)", "SparkNotes", "Virginia Woolf")),
    "summary": (("Educated", "Tara Westover"), ("Summary of Educated by Tara Westover", "Quick Reads")),
    "workbook": (("Atomic Habits", "James Clear"), ("Atomic Habits: The Workbook", "James Clear")),
    "companion": (("Twilight", "Stephenie Meyer"), ("Twilight: The Complete Illustrated Movie Companion", "Stephenie Meyer")),
    "box set": (("Divergent", "Veronica Roth"), ("Divergent (Boxed Set)", "Veronica Roth")),
    "trilogy": (("Caught Up", "Navessa Allen"), ("Caught Up: The Into Darkness Trilogy", "Navessa Allen")),
    "omnibus": (("Animal Farm", "George Orwell"), ("Animal Farm / 1984", "George Orwell")),
    "half of a book": (("The Eye of the World", "Robert Jordan"), ("From the Two Rivers: The Eye of the World, Part 1", "Robert Jordan")),
    "graphic novel": (("The Graveyard Book", "Neil Gaiman"), ("The Graveyard Book: The Graphic Novel", "Neil Gaiman")),
    "colouring book": (("Outlander", "Diana Gabaldon"), ("Outlander: The Official Adult Coloring Book", "Diana Gabaldon")),
    "calendar": (("Sudoku for Everyone", "Ann Lee"), ("Sudoku for Everyone 2024 Calendar", "Ann Lee")),
    "young readers": (("I Am Malala", "Malala Yousafzai"), ("I Am Malala (Young Readers Edition)", "Malala Yousafzai")),
    "title of a later volume": (("Dune", "Frank Herbert"), ("Chapterhouse: Dune", "Frank Herbert")),
    "books 1 to 5": (("Metamorphoses", "Ovid"), ("Ovid's Metamorphoses: Books 1-5", "Ovid")),
    "one character in Chinese": (("平凡的世界 上", "路遥"), ("平凡的世界 下", "路遥")),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAME)
def test_spellings_of_one_work_are_one_work(kind):
    """Either way round."""
    one, other = (record(*spelling) for spelling in SAME[kind])
    assert same_work(one, other).verdict == same_work(other, one).verdict == ACCEPT, same_work(one, other)


@pytest.mark.parametrize("kind", DIFFERENT)
def test_different_works_never_merge(kind):
    """Either way round."""
    one, other = (record(*spelling) for spelling in DIFFERENT[kind])
    assert ACCEPT not in (same_work(one, other).verdict, same_work(other, one).verdict), same_work(one, other)


@pytest.mark.parametrize("kind", SAME)
def test_a_candidate_is_believed_when_the_hit_is_its_work(kind):
    one, other = SAME[kind]
    assert score(Candidate(*one), record(*other)).verdict == ACCEPT


@pytest.mark.parametrize("kind", DIFFERENT)
def test_a_candidate_is_never_given_another_work(kind):
    one, other = DIFFERENT[kind]
    accepted, _, reason = choose(Candidate(*one), [record(*other, isbn="9780385504201")])
    assert accepted is None
    assert reason


def test_another_author_is_refused_and_said():
    found = score(
        Candidate("The Cellist of Sarajevo", "P.C. Cast"), record("The Cellist of Sarajevo", "Steven Galloway")
    )
    assert (found.verdict, found.reasons) == (REFUSE, ("same title", "another author"))


def test_half_a_title_needs_a_given_name():
    """A family name alone does not tell Frank from Brian Herbert."""
    hit = record("Dune: House Atreides", "Herbert")
    assert score(Candidate("Dune", "Frank Herbert"), hit).verdict != ACCEPT
    assert score(Candidate("Cleopatra", "S. Schiff"), record("Cleopatra: A Life", "Stacy Schiff")).verdict == ACCEPT


def test_a_hit_without_an_author_is_doubted():
    assert score(Candidate("Gilead", "Marilynne Robinson"), record("Gilead")).verdict == DOUBT


def test_the_work_s_year_weighs_and_a_reprint_s_does_not():
    candidate = Candidate("Emma", "Jane Austen", year=1815)
    near = score(candidate, record("Emma", "J. Austen", first_published=1816)).score
    reprint = score(candidate, record("Emma", "J. Austen", published="2003-05")).score
    far = score(candidate, record("Emma", "J. Austen", first_published=1990)).score
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


def test_two_works_that_fit_alike_are_not_guessed_between():
    hits = [
        record("The Book of Dust: La Belle Sauvage", "Philip Pullman", isbn="9780375815300"),
        record("The Book of Dust: The Secret Commonwealth", "Philip Pullman", isbn="9780553510669"),
    ]
    accepted, _, reason = choose(Candidate("The Book of Dust", "Philip Pullman"), hits)
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


def test_what_two_generators_name_is_one_candidate():
    """Named by both, spelt with care, knowing what either knows."""
    gemini = [
        Candidate("THE SHADOW OF THE WIND", "C. Ruiz Zafon", 2004, named_by=("gemini",)),
        Candidate("Gilead", "Marilynne Robinson", 2004, 11, named_by=("gemini",)),
    ]
    xai = [
        Candidate("Gilead: A Novel", "Robinson, Marilynne", publisher="FSG", named_by=("xai",)),
        Candidate("Gilead", "Marilynne Robinson", 2004, 10, named_by=("xai",)),
        Candidate("The Shadow of the Wind", "Carlos Ruiz Zafón", 2004, 4, named_by=("xai",)),
        Candidate("The Midnight Line", "Lee Child", named_by=("xai",)),
    ]
    assert merge([gemini, xai]) == [
        Candidate("The Shadow of the Wind", "Carlos Ruiz Zafón", 2004, 4, named_by=("gemini", "xai")),
        Candidate("Gilead", "Marilynne Robinson", 2004, 11, publisher="FSG", named_by=("gemini", "xai")),
        Candidate("The Midnight Line", "Lee Child", named_by=("xai",)),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("The Whistler", ["John Grisham"]), ("WHISTLER, THE", ["Grisham, John"])),
        (("Gilead: A Novel", ["Marilynne Robinson"]), ("Gilead (Paperback)", ["M. Robinson"])),
        (("Two Graves (Pendergast, #12)", ["Douglas Preston", "Lincoln Child"]), ("2 Graves", ["Douglas Preston"])),
        (
            ("Wuthering Heights & Other Tales", ["Emily Brontë"]),
            ("Wuthering heights and other tales", ["Emily Bronte"]),
        ),
        (("The Silmarillion", ["J.R.R. Tolkien"]), ("The Silmarillion", ["JRR Tolkien"])),
    ],
)
def test_editions_of_a_work_share_its_key(one, other):
    assert work_key(*one) == work_key(*other)


@pytest.mark.parametrize("kind", DIFFERENT)
def test_different_works_have_different_keys(kind):
    (one, *by), (other, *others) = DIFFERENT[kind]
    assert work_key(one, by) != work_key(other, others)


def test_works_in_every_script_have_keys_of_their_own():
    """Also titles of marks and digits, a title alone, and none at all."""
    works = [("罪と罰", ["村上春樹"]), ("戦争と平和", ["村上春樹"]), ("Война и мир", ["Толстой"]), ("المدينة", ["نجيب محفوظ"]),
             ("गोदान", ["प्रेमचंद"]), ("गबन", ["प्रेमचंद"]), ("???", []), ("!", []), ("1984", []), ("", ["Nobody"])]  # fmt: skip
    keys = {work_key(*work) for work in works}
    assert len(keys) == len(works)
    assert all(keys)
    assert work_key("", [])


def test_a_subtitle_is_part_of_the_key():
    assert work_key("Star Wars", ["E. K. Johnston"], "Ahsoka") == work_key("Star Wars: Ahsoka", ["E. K. Johnston"])
    assert work_key("Star Wars", ["E. K. Johnston"], "Ahsoka") != work_key("Star Wars", ["E. K. Johnston"])
