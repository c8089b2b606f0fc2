"""Which records and named books are one work, and the key that its editions share."""

import pytest

from alexandria.catalogue.matching.scoring import ACCEPT, REFUSE, choose, merge, same_work, score, work_key
from alexandria.catalogue.models import Candidate
from tests.support.edition_records import record

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


def test_a_book_of_two_generators_is_one_candidate():
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


def test_one_isbn_is_one_work():
    one, other = record("Circe", "A", isbn="9780316556347"), record("Circe: Her Life", "B", isbn="9780316556347")
    assert (same_work(one, other).fit, same_work(one, other).reasons) == (100.0, ("same ISBN",))
    assert same_work(record("Circe", "A"), record("Emma", "B")).verdict == REFUSE
    assert same_work(one, record("Emma", "B", isbn="9780316556323")).verdict == REFUSE


MERGED = {
    # rule: what is named, the candidate that becomes of it
    "the spelling that most gave": ([("The Emma", "Ann Lee"), ("Emma", "Ann Lee"), ("Emma", "Ann Lee")], ("Emma", "Ann Lee")),
    "the title not in capitals": ([("EMMA RIDES", "Ann Lee"), ("Emma rides", "Ann Lee")], ("Emma rides", "Ann Lee")),
    "the title not turned round": ([("Long Emma, The", "Ann Lee"), ("Long Emma", "Ann Lee")], ("Long Emma", "Ann Lee")),
    "the title with its accents": ([("Emma la bele!", "Ann Lee"), ("Emma la belé", "Ann Lee")], ("Emma la belé", "Ann Lee")),
    "the longer title": ([("Emma", "Ann Lee"), ("Emma: A Novel", "Ann Lee")], ("Emma: A Novel", "Ann Lee")),
    "the author in full": ([("Emma", "A. Lee"), ("Emma", "Ann Lee")], ("Emma", "Ann Lee")),
    "the author not turned round": ([("Emma", "Lee, Ann M"), ("Emma", "Ann Lee")], ("Emma", "Ann Lee")),
    "another book stays another": ([("Emma", "Ann Lee"), ("Persuasion", "Ann Lee")], ("Emma", "Ann Lee")),
}  # fmt: skip


@pytest.mark.parametrize("rule", MERGED)
def test_spellings_are_merged_into_the_best_one(rule):
    named, (name, author) = MERGED[rule]
    found = merge([[Candidate(*spelling)] for spelling in named])
    assert (found[0].title, found[0].author) == (name, author)
    assert len(found) == (2 if rule == "another book stays another" else 1)


def test_the_facts_of_all_generators_are_kept():
    """The first with both year and month dates the book, else the first year that any named."""
    named = [
        Candidate("Emma", "Ann Lee", named_by=("a", "b")),
        Candidate("Emma", "Ann Lee", 2001, publisher="First", named_by=("b",)),
        Candidate("Emma", "Ann Lee", 2002, 3, publisher="Second", format="Hardcover", named_by=("c",)),
        Candidate("Emma", "Ann Lee", 2003, 4, format="Audiobook", named_by=("d",)),
    ]
    assert merge([named]) == [Candidate("Emma", "Ann Lee", 2002, 3, "First", "Hardcover", ("a", "b", "c", "d"))]
    assert merge([named[:2]]) == [Candidate("Emma", "Ann Lee", 2001, None, "First", "", ("a", "b"))]
    assert merge([[*named[1:2], Candidate("Emma", "Ann Lee", 2002)]])[0].year == 2001
    assert merge([named[:1]]) == [Candidate("Emma", "Ann Lee", named_by=("a", "b"))]
    assert merge([[Candidate("Emma", "Ann Lee", None, 3)]]) == [Candidate("Emma", "Ann Lee", None, 3)]
    assert merge([]) == []


def test_a_book_is_compared_with_the_first_spelling_of_each():
    """Doubted spellings stay apart, each once; two subtitles of one title are both that title."""
    named = [Candidate("Emma", "Ann Lee"), Candidate("Emma, Vol. 2", "Ann Lee"), Candidate("Emma", "Ann Lee")]
    assert [found.title for found in merge([named])] == ["Emma", "Emma, Vol. 2"]
    named = [Candidate(name, "Ann Lee") for name in ("Emma", "Emma: A Summer", "Emma: A Winter")]
    assert len(merge([named])) == 1
    assert len(merge([named[1:]])) == 2


@pytest.mark.parametrize(
    ("name", "authors", "subtitle", "key"),
    [
        ("The Emma", ["Lee, Ann"], "", "emma | lee a"),
        ("Emma", [], "", "emma"),
        ("", ["Ann Lee"], "", "untitled | lee a"),
        ("", [], "", "untitled"),
        ("Emma", ["Ann Lee", "Bob Cole"], "", "emma | lee a"),
        ("Emma", ["Ann Lee"], "The Long Summer", "emma long summer | lee a"),
        ("Emma, Vol. 2", ["Ann Lee"], "", "emma / volume 2 | lee a"),
        ("Emma, Vol. 2, Part 1", ["Ann Lee"], "", "emma / part 1 / volume 2 | lee a"),
        ("Emma (Highbury, #2)", ["Ann Lee"], "", "emma | lee a"),
        ("Emma (Emma, #2)", ["Ann Lee"], "", "emma / 2 | lee a"),
        ("Emma (Emma, #1)", ["Ann Lee"], "", "emma | lee a"),
        ("Emma Study Guide", ["Ann Lee"], "", "emma study guide / a study guide or summary | lee a"),
    ],
)
def test_the_key_of_a_work(name, authors, subtitle, key):
    """Title, volumes, the number in a series that the title itself names, kind and first author."""
    assert work_key(name, authors, subtitle) == key
