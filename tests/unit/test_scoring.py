"""The rules by which two records are one work, and by which the edition that was meant is chosen."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE, choose, merge, same_work, score, work_key
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def record(title, *authors, subtitle="", source="shelf", isbn=None, published=None, **facts):
    date = PartialDate(*(int(part) for part in published.split("-"))) if published else None
    isbn13 = Isbn13.parse(isbn) if isbn else None
    found = SourceRecord(source, title, NOON)
    return EditionRecord(found, title, subtitle, authors, isbn13=isbn13, published=date, **facts)


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
    "a letter exchanged in a title of one word": (("Reddening", LEE), ("Raddening", LEE), 70, "same title but for a slip of the pen"),
    "a letter lost in a title of one word": (("Reddi", LEE), ("Rddi", LEE), 93, "same title but for a slip of the pen"),
    "a letter lost in a title of one short word": (("Redd", LEE), ("Rdd", LEE), 70, "same title but for a slip of the pen"),
    "letters swapped in a title of one short word": (("Redi", LEE), ("Reid", LEE), 70, "same title but for a slip of the pen"),
    "letters swapped in a title of one word of five": (("Reddi", LEE), ("Redid", LEE), 93, "same title but for a slip of the pen"),
    "two slips in five words": (("One Reed Fox Came Home", LEE), ("One Reel Fox Cane Home", LEE), 93, "same title but for a slip of the pen"),
    "three slips in five words": (("One Reed Fogs Came Home", LEE), ("One Reel Foga Cane Home", LEE), 0, "another title"),
    "two slips in four words": (("Reed Fox Came Home", LEE), ("Reel Fox Cane Home", LEE), 0, "another title"),
    "a slip and another word in five": (("One Reed Fox Came Home", LEE), ("One Reel Fox Went Home", LEE), 0, "another title"),
    "a space and a slip in eight letters": (("Sun Flower", LEE), ("Sunflwer", LEE), 92, "same title but for a slip of the pen"),
    "a space and a slip in seven letters": (("Sun Flowe", LEE), ("Sunflwe", LEE), 0, "another title"),
    "no word in common": (("Emma", LEE), ("Persuasion", LEE), 0, "another title"),
    # parts of titles
    "a subtitle on one side": (("Emma", LEE), ("Emma: The Long Summer", LEE), 94, "same title before the colon"),
    "a subtitle and an article": (("Out of the Wild", LEE), ("Out of Wild: The Long Summer", LEE), 93, "same title before the colon"),
    "a subtitle of its own on each side": (("Emma: One Summer", LEE), ("Emma: Two Winters", LEE), 70, "same main title, but another subtitle"),
    "a subtitle of its own and an article": (("Out of the Wild: One Summer", LEE), ("Out of Wild: Two Winters", LEE), 69, "same main title, but another subtitle"),
    "a subtitle put differently": (("Grand Old Emma: One Good Life", LEE), ("Grand Old Emma: Our Good Life", LEE), 91, "same main title, subtitle put differently"),
    "a subtitle put differently, and an article": (("Grand Old Emma of the Sea: One Good Life", LEE), ("Grand Old Emma of Sea: Our Good Life", LEE), 90, "same main title, subtitle put differently"),
    "a subtitle put differently under a short title": (("Grand Emma: One Good Life", LEE), ("Grand Emma: Our Good Life", LEE), 70, "same main title, but another subtitle"),
    "subtitles that share less than half": (("Grand Old Emma: Very Good Lives", LEE), ("Grand Old Emma: Our Good End", LEE), 70, "same main title, but another subtitle"),
    "subtitles that share half": (("Grand Old Emma: Good Lives", LEE), ("Grand Old Emma: Good Bitter End", LEE), 91, "same main title, subtitle put differently"),
    "subtitles of one word": (("Grand Old Emma: Goodness", LEE), ("Grand Old Emma: Goodness Knows", LEE), 70, "same main title, but another subtitle"),
    "subtitles that share articles": (("Grand Old Emma: And the Sea", LEE), ("Grand Old Emma: And the Sky", LEE), 70, "same main title, but another subtitle"),
    "the name of the series": (("Warriors", LEE), ("Warriors: Into the Wild (Warriors, #2)", LEE), 70, "one title is only the name of the series"),
    "the name of the series and its first book": (("Warriors", LEE), ("Warriors: Into the Wild (Warriors, #1)", LEE), 94, "same title before the colon"),
    "the name of the series without a number": (("Warriors", LEE), record("Warriors: Into the Wild", LEE, series="Warriors"), 94, "same title before the colon"),
    "the name of another series": (("Warriors", LEE), ("Warriors: Into the Wild (Cats, #2)", LEE), 94, "same title before the colon"),
    "perhaps the whole trilogy": (("Emma", LEE), ("Emma: The Highbury Trilogy", LEE), 70, "one may be the whole trilogy"),
    "a series in front": (("Night Song", LEE), ("Discworld 8: Night Song", LEE), 98, "same title after the name of a series or person"),
    "a series in front, known from the series field": (("Night Song", LEE), record("Discworld: Night Song", LEE, series="The Discworld, #8"), 98, "same title after the name of a series or person"),
    "a series in front, known from the other record": (record("Night Song", LEE, series="Discworld"), ("Discworld: Night Song", LEE), 98, "same title after the name of a series or person"),
    "the author in front": (("Night Song", LEE), ("Ann Lee: Night Song", LEE), 98, "same title after the name of a series or person"),
    "the author's possessive in front": (("Night Song", LEE), ("Lee's: Night Song", LEE), 98, "same title after the name of a series or person"),
    "a series in front of a title with a subtitle": (("Night Song: The Long Summer", LEE), ("Discworld 8: Night Song", LEE), 98, "same title after the name of a series or person"),
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
    "no author": (("Emma", LEE), ("Emma",), 75, "no author to compare"),
    "another author": (("Emma", LEE), ("Emma", "Bob Cole"), 0, "another author"),
    "half a title and a family name": (("Emma", LEE), ("Emma: The Long Summer", "Lee"), 64, "only part of the title agrees, and the author's given name does not confirm it"),
    "half a title and no author": (("Emma", LEE), ("Emma: The Long Summer",), 49, "only part of the title agrees, and the author's given name does not confirm it"),
    "half a title and a misspelt author": (("Emma", "Lee Child"), ("Emma: The Long Summer", "Lee Chold"), 89, "author agrees but for the spelling"),
    "an author who is second": (("Emma", LEE), ("Emma", "Bob Cole", LEE), 94, "the author is not the first named"),
    "an author who is second, of half a title": (("Emma", LEE), ("Emma: The Long Summer", "Bob Cole", LEE), 78, "the author is not the first named"),
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
def test_what_each_finding_costs(rule):
    """Either way round."""
    one, other, points, reason = POINTS[rule]
    one, other = (found if isinstance(found, EditionRecord) else record(*found) for found in (one, other))
    found, turned = same_work(one, other), same_work(other, one)
    assert (found.score, turned.score) == (points, points)
    assert reason in found.reasons
    assert found.verdict == turned.verdict == (ACCEPT if points >= 85 else DOUBT if points >= 60 else REFUSE)


def test_an_article_of_any_language_costs_one_point():
    articles = [
        "a", "an", "the", "le", "la", "les", "un", "une", "el", "los", "las", "una", "der", "die", "das", "ein", "eine", "il",
        "lo", "gli", "o", "os", "um", "uma", "de", "het", "een", "and",
    ]  # fmt: skip
    whole = record("Long Summer", LEE)
    points = {article: same_work(whole, record(f"Long {article} Summer", LEE)).score for article in articles}
    assert points == dict.fromkeys(articles, 99.0)


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
def test_what_the_year_weighs(rule):
    year, dates, points, reason = YEARS[rule]
    found = score(Candidate("Circe", "M. Miller", year), record("Circe", "Madeline Miller", **dates))
    assert found.score == points
    assert found.reasons[2:] == ((reason,) if reason else ())


def test_half_a_title_and_another_first_year_is_another_book():
    candidate = Candidate("Circe", "Madeline Miller", 2018)
    assert score(candidate, record("Circe: The Long Summer", "Madeline Miller", first_published=2020)).score == 84
    assert score(candidate, record("Circe: The Long Summer", "Madeline Miller", published="2020")).score == 94
    assert score(candidate, record("Circe: The Long Summer", "Madeline Miller", first_published=2019)).score == 96


def test_what_is_refused_is_not_weighed_further():
    """Neither year nor language is given as a reason where title or author differ."""
    hit = record("Persuasion", "Madeline Miller", published="2018", language="es", binding="Audio CD")
    assert score(Candidate("Circe", "Madeline Miller", 2018), hit).reasons == ("another title",)


def test_a_score_lies_between_0_and_100():
    found = score(Candidate("Circe", "Madeline Miller", 2018), record("Circe", "Madeline Miller", published="2018"))
    assert found.score == 100.0
    assert score(Candidate("Circe", "Madeline Miller"), record("Circe Study Guide", "Bob Cole")).score == 0.0


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
def test_what_the_edition_costs(rule):
    name, format_, facts, points = EDITIONS[rule]
    facts = dict(facts)
    hit = record(facts.pop("title", name), "Madeline Miller", **facts)
    assert score(Candidate(name, "Madeline Miller", format=format_), hit).score == points


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
            if score(Candidate(name, "Ann Lee"), record(name, "Ann Lee", language=code)).score == 100
        }
        for name in kindred
    }
    assert accepted == {name: set(codes) for name, codes in kindred.items()}


def test_one_isbn_is_one_work():
    one, other = record("Circe", "A", isbn="9780316556347"), record("Emma", "B", isbn="9780316556347")
    assert (same_work(one, other).score, same_work(one, other).reasons) == (100.0, ("same ISBN",))
    assert same_work(record("Circe", "A"), record("Emma", "B")).verdict == REFUSE
    assert same_work(one, record("Emma", "B", isbn="9780316556323")).verdict == REFUSE


def test_the_verdict_changes_at_85_and_at_60():
    """Fifteen points are still an acceptance, forty still a doubt; one more is not."""
    emma = record("Emma", "Ann Lee")
    second = record("Teh Emma", "Bob Cole", "Ann Lee")
    assert (same_work(emma, second).score, same_work(emma, second).verdict) == (85.0, ACCEPT)
    family = record("Emma", "Bob Cole", "Lee")
    assert (same_work(emma, family).score, same_work(emma, family).verdict) == (84.0, DOUBT)
    volume = record("Emma, Vol. 2", "Lee")
    assert (same_work(emma, volume).score, same_work(emma, volume).verdict) == (60.0, DOUBT)
    wild, part = record("Out of the Wild", "Ann Lee"), record("Out of Wild, Vol. 2", "Lee")
    assert (same_work(wild, part).score, same_work(wild, part).verdict) == (59.0, REFUSE)


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
    assert [found.score for found in considered] == [100.0, 90.0, 0.0]


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
def test_why_nothing_was_chosen(hits, reason):
    chosen, considered, why = choose(CANDIDATE, hits)
    assert (chosen, why) == (None, reason)
    assert len(considered) == len(hits)


def test_why_an_edition_was_chosen():
    hit = record("Emma", "A. Lee", isbn="9780316556347")
    assert choose(CANDIDATE, [hit])[::2] == (hit, "same title; author agrees by family name and initial")


def test_the_best_work_must_lead_by_five_points():
    best = record("Emma: One Summer", "Lee Child", isbn="9780316556347")
    candidate = Candidate("Emma", "Lee Child", 2000)
    five = record("Emma: Two Winters", "Lee Chold", isbn="9780316556323")
    assert [found.score for found in choose(candidate, [five, best])[1]] == [94.0, 89.0]
    assert choose(candidate, [five, best])[0] == best
    four = record("Emma: Two Winters", "Lee Child", isbn="9780316556323", published="1990")
    assert [found.score for found in choose(candidate, [four, best])[1]] == [94.0, 90.0]
    chosen, _, why = choose(candidate, [four, best])
    assert (chosen, why) == (None, "two works fit equally well: 'Emma: One Summer' and 'Emma: Two Winters'")


def test_a_doubted_work_in_front_does_not_hide_an_accepted_one():
    """Only the accepted work is chosen, and only if it leads."""
    doubted = record("Emma", isbn="9780316556323")
    accepted = record("Emma: The Long Summer", "Ann Lee", isbn="9780316556347")
    assert choose(CANDIDATE, [doubted, accepted])[0] == accepted


def test_records_with_the_source_s_own_work_key_are_one_work():
    """Whatever their titles: so a doubted subtitle is no rival of the same work."""
    first = record("Emma: One Summer", "Ann Lee", isbn="9780316556347", work_key="w1")
    second = record("Emma: Two Winters", "Ann Lee", isbn="9780316556323", work_key="w1")
    assert choose(CANDIDATE, [first, second])[0] == first
    assert choose(CANDIDATE, [first, replace(second, work_key="w2")])[0] is None
    elsewhere = replace(second, source=SourceRecord("elsewhere", "1", NOON))
    assert choose(CANDIDATE, [first, elsewhere])[0] is None
    assert choose(CANDIDATE, [replace(first, work_key=""), replace(second, work_key="")])[0] is None


def test_a_record_is_compared_with_the_best_of_each_work():
    """Two subtitles of one title, which would be two works by themselves, are no rivals."""
    bare = record("Emma", "Ann Lee", isbn="9780316556347", published="1990")
    first = record("Emma: One Summer", "Ann Lee", isbn="9780316556323", published="2000")
    second = record("Emma: Two Winters", "Ann Lee", isbn="9781432852474", published="2000")
    candidate = Candidate("Emma", "Ann Lee", 2000)
    assert [found.score for found in choose(candidate, [bare, first, second])[1]] == [96.0, 96.0, 96.0]
    assert choose(candidate, [bare, first, second])[0] == first
    assert choose(candidate, [first, second])[0] is None


def test_works_are_compared_by_their_best_records():
    """A worse record of either work changes nothing."""
    best = record("Emma: One Summer", "Lee Child", isbn="9780316556347", work_key="w1")
    worse = record("Emma", "Child", isbn="9780316556323", work_key="w1")
    rival = record("Emma: Two Winters", "Lee Chold", isbn="9781432852474", work_key="w2")
    lesser = record("Emma: Winters", "Child", isbn="9781478975304", work_key="w2")
    candidate = Candidate("Emma", "Lee Child", 2000)
    assert [found.score for found in choose(candidate, [best, worse, rival, lesser])[1]] == [94.0, 90.0, 89.0, 64.0]
    assert choose(candidate, [best, worse, rival, lesser])[0] == best
    near = replace(rival, authors=("Lee Child",), published=PartialDate(1990))
    chosen, _, why = choose(candidate, [best, worse, near, lesser])
    assert (chosen, why) == (None, "two works fit equally well: 'Emma: One Summer' and 'Emma: Two Winters'")


def test_editions_without_an_isbn_are_passed_over():
    hits = [
        record("Emma", "Ann Lee", published="1999"),
        record("Emma", "Ann Lee", isbn="9780316556347", published="2009"),
    ]
    assert choose(CANDIDATE, hits)[0] == hits[1]


def test_only_the_best_fitting_subtitle_is_chosen_from_one_work():
    """Where several subtitles compete, an earlier edition with the lesser one is not taken."""
    exact = record("Emma: One Summer", "Ann Lee", isbn="9780316556347", published="2009", work_key="w1")
    other = record("Emma: Two Winters", "Ann Lee", isbn="9780316556323", published="1999", work_key="w1")
    candidate = Candidate("Emma: One Summer", "Ann Lee")
    assert choose(candidate, [other, exact])[0] == exact
    bare = record("Emma", "Ann Lee", isbn="9780316556323", published="1999", work_key="w1")
    assert choose(candidate, [bare, exact])[0] == bare
    child = replace(exact, authors=("Lee Child",))
    misspelt = replace(other, authors=("Lee Chold",))
    assert choose(Candidate("Emma", "Lee Child"), [misspelt, child])[0] == child
    initial = replace(other, authors=("L. Child",))
    assert choose(Candidate("Emma", "Lee Child"), [initial, child])[0] == initial


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
def test_what_becomes_of_spellings(rule):
    named, (name, author) = MERGED[rule]
    found = merge([[Candidate(*spelling)] for spelling in named])
    assert (found[0].title, found[0].author) == (name, author)
    assert len(found) == (2 if rule == "another book stays another" else 1)


def test_what_any_generator_knows_is_kept():
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
    named = [Candidate(name, "Ann Lee") for name in ("Emma", "Emma: One Summer", "Emma: Two Winters")]
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
