"""The rules by which a title is read into its parts: main title, subtitle, series, numbers, kind, format and edition."""

import pytest

from alexandria.catalogue.matching import titles
from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.matching.kinds import AUDIO, EBOOK, HALF, LARGE_PRINT, formats_of, kinds_of
from alexandria.catalogue.matching.titles import read
from alexandria.catalogue.matching.tongues import tongue_of

READ = {
    # rule: title, subtitle, words, series, volumes
    "a plain title": ("Gilead", "", "gilead", {}, ""),
    "a subtitle of its own": ("Cleopatra", "A Life of Power", "cleopatra | life of power", {}, ""),
    "a subtitle in the title": ("Cleopatra: A Life of Power", "", "cleopatra | life of power", {}, ""),
    "a subtitle in both": ("Cleopatra: A Life of Power", "A Life of Power", "cleopatra | life of power", {}, ""),
    "a colon before an empty subtitle": ("Cleopatra:", "A Life of Power", "cleopatra | life of power", {}, ""),
    "a colon without spaces": ("Cleopatra:Queen", "", "cleopatra | queen", {}, ""),
    "a subtitle after a dash": ("Quiet - The Power", "", "quiet | power", {}, ""),
    "a subtitle after two dashes": ("Quiet -- The Power", "", "quiet | power", {}, ""),
    "a hyphen separates nothing": ("Catch-Up", "", "catch up", {}, ""),
    "a subtitle after a semicolon": ("Moby-Dick; The Whale", "", "moby dick | whale", {}, ""),
    "another title after a semicolon and or": ("Moby-Dick; or, The Whale", "", "moby dick | whale", {}, ""),
    "another title after a comma and or": ("Frankenstein, or, The Modern", "", "frankenstein | modern", {}, ""),
    "another title after or and a comma": ("Frankenstein or, The Modern", "", "frankenstein | modern", {}, ""),
    "or without a comma": ("Dead or Alive", "", "dead or alive", {}, ""),
    "what stands in parentheses": ("Circe (Signed)", "", "circe", {}, ""),
    "what stands in brackets": ("Circe [Signed]", "", "circe", {}, ""),
    "an unclosed parenthesis": ("Circe (Signed", "", "circe", {}, ""),
    "a word in parentheses before others": ("How to Be a (Young) Antiracist", "", "how to be a young antiracist", {}, ""),
    "words in parentheses before others": ("Us (A Very New) Story", "", "us story", {}, ""),
    "a title all in parentheses": ("(Circe)", "", "circe", {}, ""),
    "an article moved behind": ("House of Silk, The", "", "house of silk", {}, ""),
    "an article moved behind without a comma": ("House of Silk The", "", "house of silk", {}, ""),
    "an article moved before the colon": ("House, The: A Wall", "", "house | wall", {}, ""),
    "an article moved before parentheses": ("House, The (Signed)", "", "house", {}, ""),
    "an article moved in the middle is none": ("House, The Silk", "", "house the silk", {}, ""),
    "a title of marks only": ("???", "", "???", {}, ""),
    "no title": ("", "", "", {}, ""),
    # editions
    "an anniversary edition": ("Moby Dick 150th Anniversary Edition", "", "moby dick", {}, ""),
    "a revised and updated edition": ("Chess, Revised Updated Edition", "", "chess", {}, ""),
    "a format behind": ("Chess - Hardcover", "", "chess", {}, ""),
    "a format behind a comma": ("Chess, Paperback", "", "chess", {}, ""),
    "edition as a word of the title": ("The Last Edition", "", "last edition", {}, ""),
    "the edition before the colon": ("Chess, Deluxe Edition: A Wall", "", "chess | wall", {}, ""),
    # series
    "a series in parentheses": ("The Narrows (Harry Bosch, #10)", "", "narrows", {"harrybosch": "10"}, ""),
    "a series and book in parentheses": ("Circe (Camel Club Book 2)", "", "circe", {"camelclub": "2"}, ""),
    "a series of two numbers": ("Circe (Camel Club #1-2)", "", "circe", {"camelclub": "1to2"}, ""),
    "a series without a number": ("Circe (Camel Club)", "", "circe", {}, ""),
    "a numbered series in front": ("Discworld 8: Guards! Guards!", "", "discworld 8 | guards guards", {"discworld": "8"}, ""),
    "a series of two words in front": ("Harry Potter 8: The Child", "", "harry potter 8 | child", {"harrypotter": "8"}, ""),
    "a number alone in front": ("1984: A Wall", "", "1984 | wall", {}, ""),
    "a series behind": ("Storm: A Song of Ice, Book Three", "", "storm", {"songofice": "3"}, ""),
    "a series and its number in two parts": ("Storm: A Song of Ice: Book Three", "", "storm", {"songofice": "3"}, ""),
    "a series marked by a sign": ("Fourth Wing - The Empyrean #1", "", "4th wing", {"empyrean": "1"}, ""),
    "a series and two numbers": ("Storm: A Song of Ice, Book 2, No. 3", "", "storm", {"songofice": "3"}, ""),
    "a book alone": ("Storm: Book Three", "", "storm", {}, "book 3"),
    "a book after a numbered head": ("Warriors 2: Story: Book Three", "", "warriors 2 | story", {"warriors": "2"}, "book 3"),
    "a volume behind": ("Storm: A Song of Ice, Volume Three", "", "storm | song of ice", {}, "volume 3"),
    "a book and volume behind": ("Storm: Song, Book 2, Volume 3", "", "storm | song", {}, "book 2, volume 3"),
    "a commonplace part with a book number": ("Storm: A Novel, Book 2", "", "storm", {}, "book 2"),
    # volumes
    "a volume in the title": ("Vampire Knight, Vol. 3", "", "vampire knight", {}, "volume 3"),
    "a volume in Roman numerals": ("Legends, Vol. I", "", "legends", {}, "volume 1"),
    "a volume in words": ("Books of Blood Volume Three", "", "books of blood", {}, "volume 3"),
    "a volume in parentheses": ("Circe (Volume 2)", "", "circe", {}, "volume 2"),
    "a number in parentheses": ("Circe (2)", "", "circe", {}, "number 2"),
    "a number of three digits in parentheses": ("Circe (123)", "", "circe", {}, "number 123"),
    "a year in parentheses": ("Circe (2018)", "", "circe", {}, ""),
    "leading zeros": ("Circe, Vol. 007", "", "circe", {}, "volume 7"),
    "volume zero": ("Circe, Vol. 0", "", "circe", {}, "volume 0"),
    "a range of volumes": ("Circe: Volumes 1-3", "", "circe", {}, "volume 1to3"),
    "a range in words": ("Circe: Books One to Three", "", "circe", {}, "book 1to3"),
    "a range in Roman numerals": ("Circe: Parts I to III", "", "circe", {}, "part 1to3"),
    "a range that ends in a word": ("Circe: Part 1 to Nowhere", "", "circe | to nowhere", {}, "part 1"),
    "a range without an end": ("Circe: Part 1 to", "", "circe | to", {}, "part 1"),
    "a range and a word after it": ("Circe, Books 1 to 3 Complete", "", "circe complete", {}, "book 1to3"),
    "a mark without a number": ("The Book Thief", "", "book thief", {}, ""),
    "a mark at the end": ("Comic Book", "", "comic book", {}, ""),
    "a title that is only a volume": ("Book 2", "", "book 2", {}, "book 2"),
    "a sign without a number": ("Hash # Tag Book 2", "", "hash tag", {}, "book 2"),
    # subtitles
    "a commonplace subtitle": ("Gilead: A Novel", "", "gilead", {}, ""),
    "a commonplace subtitle after a numbered series": ("Discworld 8: A Novel", "", "discworld 8 | novel", {"discworld": "8"}, ""),
    "a commonplace second subtitle": ("Discworld 8: Eric: A Novel", "", "discworld 8 | eric", {"discworld": "8"}, ""),
    "two subtitles": ("Gilead: One Town: Two Men", "", "gilead | 1 town 2 men", {}, ""),
}  # fmt: skip


@pytest.mark.parametrize("rule", READ)
def test_a_title_is_read_into_its_parts(rule):
    printed, subtitle, words, series, volumes = READ[rule]
    found = read(printed, subtitle)
    head, _, rest = words.partition(" | ")
    assert (found.head, found.rest) == (tuple(head.split()) or ("",), tuple(rest.split()))
    assert found.words == tuple(words.replace(" |", "").split()) or found.words == ("",) == found.head
    assert dict(found.series) == series
    assert ", ".join(found.volumes) == volumes
    assert found.squash == "".join(found.words)


@pytest.mark.xfail(strict=True, reason="listed in a pattern or table that cannot match them")
@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("Emma: A Novel of Suspense", ["emma"]),
        ("Emma: Now a Series Tie-In", ["emma"]),
        ("Emma: The New E-Book", ["emma"]),
        ("Ender´s Game", ["enders", "game"]),
    ],
)
def test_spellings_that_are_listed_but_not_recognised(printed, words):
    assert list(read(printed).words) == words


@pytest.mark.parametrize(
    ("printed", "lead"),
    [
        ("Discworld 8: Guards! Guards!", True),
        ("Discworld, Book 8: Guards! Guards!", True),
        ("Book 8: Guards! Guards!", False),
        ("1984: A Wall", False),
        ("Discworld 8", False),
        ("Discworld: Guards! Guards!", False),
    ],
)
def test_a_numbered_series_in_front_of_the_title(printed, lead):
    assert read(printed).lead is lead


def test_a_marked_series_in_front_counts_volumes_and_not_the_series():
    found = read("Discworld, Book 8: Guards! Guards!")
    assert (found.volumes, found.series) == (("book 8",), ())


def test_caches_of_titles_are_bounded():
    """Titles come by the million, and each is read many times in a row."""
    assert {reader.cache_info().maxsize for reader in (fold, read, kinds_of, tongue_of)} == {16_384}


MARKS = {
    "volume": ["vol", "vols", "volume", "volumes", "tome", "tomo", "band", "bd", "deel", "том"],
    "book": ["book", "books", "bk", "livre", "libro", "buch", "книга"],
    "part": ["part", "parts", "pt", "teil", "parte", "часть"],
    "number": ["issue", "#"],
    "season": ["season"],
    "episode": ["episode"],
}


def test_every_word_that_marks_a_number():
    found = {word: read(f"Circe, {word} 2").volumes for words in MARKS.values() for word in words}
    assert found == {word: (f"{mark} 2",) for mark, words in MARKS.items() for word in words}


def test_series_fields_of_sources():
    assert titles.series_of("Harry Bosch, #10; Harry Bosch Universe, #12") == (
        ("harrybosch", "10"),
        ("harryboschuniverse", "12"),
    )
    assert titles.series_of("Harry Bosch") == (("harrybosch", ""),)
    assert titles.series_of("Harry Bosch, Book 2, Part 3") == (("harrybosch", "2"), ("harrybosch", "3"))
    assert titles.series_of("") == ()


def test_words_outside_parentheses():
    assert titles.outside(fold("The Narrows (Harry Bosch, #10)")) == "narrows"
    assert titles.outside(fold("The Narrows")) == "narrows"


KINDS = {
    "a study guide or summary": [
        "Emma Study Guide", "Summary of Emma: A Novel", "Summary and Review: Emma", "Emma Summary Notes", "Emma Summaries", "Emma: Summary", "Emma: A Summary",
        "SparkNotes Emma", "Spark Notes Emma", "Cliff Notes Emma", "CliffsNotes Emma", "Cliffs Notes Emma", "York Notes Emma",
        "Emma by Instaread", "SuperSummary Emma", "BookRags Emma", "LitCharts Emma", "Key Takeaways from Emma",
        "Emma: Conversation Starters", "Emma Discussion Questions", "Emma Discussion Guide", "Emma: Reading Guide", "Emma Study Group Guide",
        "Emma Reading Group Guide", "Emma: A Reader's Guide", "Emma: A Readers Guide", "Emma: A Readers' Guide",
        "Emma Teacher's Guide", "Emma Teachers' Guide", "Emma Teaching Guide", "Emma Literature Guide", "Emma Book Club Guide",
        "Emma Bookclub Guide", "Emma Lesson Plan", "Emma Lesson Plans", "Emma Novel Study", "Emma Novel Unit",
        "Emma Novel Units", "Emma Trivia", "The Emma Quiz", "Emma Workbook", "Emma: Critical Interpretations",
        "Emma (Bloom's Guides)", "Analysis of Emma", "Analysis and Review",
    ],
    "a companion": [
        "A Companion to Emma", "Emma Companion", "The Unofficial Emma", "The Unauthorized Emma", "The Unauthorised Emma",
        "The Making of Emma", "Emma: The Making of a Film", "Making of Emma", "Emma: Making of the Film", "Emma and Philosophy",
        "A Guide to Emma", "A Handbook to Emma", "Emma: The Visual Dictionary", "Emma: Behind the Scenes",
        "Illustrated Companion for Emma", "Official Companion for Emma", "Movie Companion for Emma",
    ],
    "a box set or omnibus": [
        "Emma / Persuasion", "Emma; Persuasion; Sanditon", "Emma Box Set", "Emma Book Collection Bundle", "Emma Boxed Set", "Emma Boxset", "Emma in Slipcase",
        "Emma in Slip Case", "Emma Omnibus", "Emma Compendium", "Emma Collection Set", "3 Book Set", "Emma Books Set",
        "Emma Book Collection Set", "Emma 3 Books Box Bundle", "Emma Book Collection", "Emma Books Box", "Emma Bundle",
        "The Complete Series", "The Complete Trilogy", "The Complete Saga", "Emma Trilogy Set", "Emma Series Set",
        "Emma Saga Set", "Three Books in One", "3 Novels in 1",
    ],
    "a colouring, activity or blank book": [
        "Emma Coloring Book", "Emma Colouring Book", "Emma Activity Book", "Emma Sticker Book", "Emma Calendar 2024",
        "The Emma Planner", "Emma: A Deluxe Journal", "Emma: A Guided Journal", "Emma Notebook", "Emma Puzzle Book",
        "Emma Word Search", "Emma Postcards", "Emma Postcard Box", "Emma Paper Dolls", "Emma Pop-Up",
    ],
    "a graphic novel": ["Emma: The Graphic Novel", "Emma (Manga)", "Emma: A Comic Adaptation"],
    "an adaptation": [
        "Emma (Abridged)", "Emma: Adapted for the Stage", "Emma (Young Readers Edition)", "Emma (Young Readers' Edition)",
        "Emma for Young Readers", "Emma: The Screenplay",
        "Emma (Stage Play)", "Emma: The Play", "Emma: The Musical", "Emma: The Junior Novel", "No Fear Shakespeare: Hamlet",
        "Emma (Great Illustrated Classics)", "Classic Starts: Emma",
    ],
    HALF: ["Emma, Part One of Two", "Emma, Part 1 of 3", "Emma: Part I of Three", "Emma: Part 4 of Four"],
    "an excerpt": ["Emma: An Excerpt", "Emma Sampler", "Emma: A Sneak Peek", "Emma: Preview"],
}  # fmt: skip
PLAIN = [
    "Emma", "Unabridged Emma", "In Good Company", "A Companionable Way", "Play", "The Player", "Musical Chairs", "A Notebook of Love",
    "Calendars of Fire", "The Guide", "The Summary: Justice", "Study in Scarlet", "Manganese", "Emma: One; Two",
    "Bundles of Joy", "Planners of War", "Previews", "Part of the Pattern", "Emma, Part One of Many", "Love in the Making of Emma",
    "Love and Philosophys", "The Box", "Samplers", "Red/Blue", "Emma: One; Two; Three",
]  # fmt: skip


def test_every_sign_of_another_kind_of_book():
    """And none in titles that only resemble one."""
    wrong = {
        printed: set(found)
        for kind, examples in KINDS.items()
        for printed in examples
        if kind not in (found := read(printed).kinds)
    }
    assert wrong == {}
    misread = {printed: set(found) for printed in PLAIN if (found := read(printed).kinds)}
    assert misread == {}


FORMATS = {
    AUDIO: [
        "Audiobook", "Unabridged", "Cassette", "CD", "2 CDs", "MP3", "Audible", "Spoken Word", "Full-Cast", "full cast",
    ],
    LARGE_PRINT: ["Large Print", "large-print", "Large Type"],
    EBOOK: ["Kindle", "eBook", "e-book", "EPUB", "Digital"],
}  # fmt: skip


def test_every_word_that_names_a_format():
    named = {text: formats_of(text) for texts in FORMATS.values() for text in texts}
    assert named == {text: {form} for form, texts in FORMATS.items() for text in texts}
    misread = [text for text in ("Hardcover", "ACDC", "Records", "Large", "Amp3", "CDC") if formats_of(text)]
    assert misread == []
    assert formats_of("Audio CD | Large Print") == {AUDIO, LARGE_PRINT}


COMMONPLACE = [
    "A Novel", "a novella", "The Thriller", "A Mystery", "A Romance", "An Epic Fantasy Novel", "A Novel of Suspense in Rome",
    "A Jack Reacher Thriller", "A Novel by Ann Lee", "A Novel About Love", "A Memoir", "The Biography", "An Autobiography",
    "A Life", "A Short History", "A Love Story", "The True Story", "Stories", "Selected Poems", "Collected Essays",
    "Second Edition", "New Editions", "Hardcover Original", "Hardback Original", "Paperback Original", "In Softcover", "For Kindle",
    "An Audio Book", "An Audiobook", "On Audio CD", "The Ebook", "In Large Print", "Unabridged Reading", "A Reissue",
    "An Alternate Cover", "Illustrated", "Annotated", "Translated", "Pulitzer Prize", "Booker Prize Winner",
    "Booker Prize Finalist", "The Award for Fiction", "A Newbery Honor Award Honor Book", "A Newbery Medal 1999",
    "The Carnegie Medal Honour", "Winner of Much", "Finalist of Much", "A GMA Book Club Choice", "A Club Pick",
    "A New York Times Bestseller", "The Best-Seller", "The Best Seller", "From the Author of Emma",
    "By the Best Creators of Emma", "From the Creator of Emma", "For Fans of Emma", "For Those Who Love Emma",
    "Now a Major Film", "Now a Netflix Film", "Now a Hulu Film", "Soon to Be a Film",
]  # fmt: skip
TELLING = [
    "A Novel Idea", "Five Words Before a Novel Here", "One Two Three Four Novel", "Life of Power", "A Very Short Introduction",
    "The Prizes of Love", "Prize Fighter", "Illustrated by Hand", "A Story", "Edition Wars", "The Author of Emma", "Winners",
    "For the Fans of Emma", "It Is Now a Major Film", "A History of Love", "The Long Sad True Story", "Novelty",
]  # fmt: skip


def test_every_commonplace_subtitle_is_ignored():
    kept = {subtitle: rest for subtitle in COMMONPLACE if (rest := read("Emma", subtitle).rest)}
    assert kept == {}
    assert [subtitle for subtitle in TELLING if not read("Emma", subtitle).rest] == []


EDITIONS = [
    "The Edition", "Limited Edition", "Deluxe Edition", "Special Edition", "Standard Edition", "Collector's Edition",
    "Collectors Edition", "Collectors' Edition", "Anniversary Edition", "Revised Edition", "Expanded Edition", "Updated Edition",
    "Illustrated Edition", "Annotated Edition", "Unabridged Edition", "Hardcover Edition", "Paperback Edition", "Kindle Edition",
    "International Edition", "Movie Tie-In Edition", "1st Edition", "2nd Edition", "3rd Edition", "10th Anniversary Edition",
    "A Deluxe Edition", "An Expanded Edition", "Illustrated", "Unabridged", "Hardcover", "Hardback", "Paperback",
]  # fmt: skip


def test_every_edition_that_stands_behind_a_title():
    kept = {edition: words for edition in EDITIONS if (words := read(f"Emma {edition}").words) != ("emma",)}
    assert kept == {}
    plain = ["Emma Annotated", "Illustrated Emma", "Paperback Emma", "Emma Blue Edition", "EmmaHardcover"]
    assert [printed for printed in plain if len(read(printed).words) < len(printed.split())] == []


MOVED = ["The", "A", "An", "Le", "La", "Les", "L'", "El", "Los", "Las", "Der", "Die", "Das", "Il", "Un", "Une", "Una"]


def test_every_article_that_catalogues_move_behind():
    kept = {article: words for article in MOVED if (words := read(f"Nuit, {article}").words) != ("nuit",)}
    assert kept == {}
    assert read("Nuit, Of").words == ("nuit", "of")


def test_a_title_is_read_up_to_its_thousandth_character_and_its_language_to_the_four_thousandth():
    assert read("w " * 499 + "zz").words[-1] == "zz"
    assert read("w " * 500 + "z").words[-1] == "w"
    assert [tongue_of("a" * before + "\u66f8") for before in (3999, 4000)] == ["zh", ""]
