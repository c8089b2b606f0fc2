"""A kind of book is evidence that is found on one side only, in any language."""

import pytest

from alexandria.catalogue.matching.scoring import ACCEPT, choose
from alexandria.catalogue.models import Candidate

LEE = "Ann Lee"

OTHER_KINDS = [
    ("Moorland", "Moorland (The Young Adult Adaptation)"), ("Moorland", "Moorland (Young Readers Adaptation)"),
    ("Moorland", "Moorland (Adapted for Young Adults)"), ("Moorland", "Moorland (Children's Edition)"), ("Moorland", "Moorland (for Kids)"),
    ("Moorland", "Moorland (Penguin Readers Level 4)"), ("Moorland", "Moorland: Oxford Bookworms Library Level 2"),
    ("Moorland", "Moorland: Macmillan Readers"), ("Moorland", "Moorland (Dramatized)"), ("Moorland", "Moorland: A Full-Cast Dramatisation"),
    ("Moorland", "Moorland: The Shooting Script"), ("Moorland", "Moorland (The TV Series)"), ("Moorland", "Moorland: A Radio Play"),
    ("Moorland", "Moorland: A Pocket Guide to the Nine Hills"), ("Moorland", "Moorland: Book Club Kit"), ("Moorland", "Moorland (Chapters 24-30)"),
    ("Moorland", "Summary and Analysis of Moorland"), ("Moorland", "Moorland: The Graphic Novel"),
    ("Moorland", "Moorland: A Graphic History"), ("Moorland", "Moorland (Bookclub-in-a-Box)"), ("Moor English: Student's Book", "Moor English: Teacher's Book"),
    # other languages
    ("La lande", "La lande (Fiche de lecture)"), ("La lande", "La lande : analyse du livre"), ("La lande", "La lande (bande dessinée)"),
    ("La lande", "La lande (roman graphique)"), ("El páramo", "El páramo (Guía de lectura)"), ("El páramo", "El páramo: resumen y análisis"),
    ("El páramo", "El páramo (novela gráfica)"), ("El páramo", "El páramo (guion cinematográfico)"), ("Das Moor", "Das Moor: Lektürehilfe"),
    ("Das Moor", "Lektüreschlüssel: Das Moor"), ("Das Moor", "Das Moor. Hörspiel"), ("Das Moor", "Das Moor (gekürzt)"),
    ("La brughiera", "La brughiera: guida alla lettura"), ("A charneca", "A charneca: análise da obra"), ("Bozkır", "Bozkır (Çizgi Roman)"),
    ("Степь", "Степь (графический роман)"), ("Степь", "Степь: краткое содержание"), ("Степь", "Степь: путеводитель по роману"),
    ("荒野", "荒野（漫画版）"), ("荒野", "荒野 导读"), ("荒野", "荒野 (まんがで読む)"), ("荒野", "漫画 荒野"), ("荒野", "荒野 マンガ"),
    # in brackets: abridged, for children, or in easy words
    ("La lande", "La lande (édition abrégée)"), ("La lande", "La lande (version jeunesse)"), ("El páramo", "El páramo (edición infantil)"),
    ("El páramo", "El páramo (resumen)"), ("La brughiera", "La brughiera (edizione ridotta)"), ("A charneca", "A charneca (resumo)"),
    ("Das Moor", "Das Moor (in Leichter Sprache)"), ("De heide", "De heide (verkorte versie)"), ("Wrzosowisko", "Wrzosowisko (wersja skrócona)"),
    ("Heden", "Heden (lättläst)"), ("Heden", "Heden (letlæst)"), ("Nummi", "Nummi (selkokirja)"), ("Bozkır", "Bozkır (Kısaltılmış)"),
    ("Bozkır", "Bozkır (çocuklar için)"), ("Степь", "Степь (сокращённое издание)"), ("荒野", "荒野（少儿版）"), ("荒野", "荒野（青少年版）"),
    ("荒野", "荒野（児童版）"), ("황야", "황야 (청소년판)"), ("황야", "황야 (줄거리)"), ("الصحراء", "الصحراء (نسخة مختصرة)"),
]  # fmt: skip

OWN = [
    ("Smile", "Smile: A Graphic Novel"), ("Moorland", "Moorland (with Reading Group Guide)"), ("Moorland", "Moorland (Includes Reader's Guide)"),
    ("Moorland", "Moorland: A Novel (with bonus excerpt)"), ("The Notebook", "The Notebook: A Novel"), ("The Notebook", "The Notebook (Modern Classics)"),
    ("The Companion", "The Companion: A Novel"), ("The Play", "The Play (Campus, #3)"), ("The Screenplay", "The Screenplay: A Novel"),
    ("Orlando", "Orlando / Ann Lee"), ("Orlando", "Orlando / by Ann Lee"), ("Money", "Money: A Critical Analysis of Capitalist Production"),
    ("The Summary", "The Summary: A Novel"), ("Box Set", "Box Set: A Novel"), ("Manga Days", "Manga Days: A Memoir"),
    ("The Calendar", "The Calendar: A Novel"), ("Guide to the Moor", "A Guide to the Moor"),
]  # fmt: skip


@pytest.mark.parametrize(("book", "other"), OTHER_KINDS)
def test_a_kind_on_one_side_is_another_book(book, other, verdict):
    assert verdict((book, LEE), (other, LEE)) != ACCEPT


@pytest.mark.parametrize(("book", "printed"), OWN)
def test_words_of_the_book_itself_are_no_other_kind(book, printed, verdict):
    assert verdict((book, LEE), (printed, LEE)) == ACCEPT


@pytest.mark.parametrize(("_", "other"), OTHER_KINDS)
def test_two_records_of_the_other_kind_are_one_book(_, other, verdict):
    assert verdict((other, LEE), (other, LEE)) == ACCEPT


def test_the_undated_novel_is_chosen_before_its_dated_retelling(record):
    novel = record("Moorland", LEE, isbn="9780316556347")
    retelling = record("Moorland (Penguin Readers Level 4)", LEE, isbn="9780316556323", published="2003-03")
    assert choose(Candidate("Moorland", LEE, 2003, 3), [retelling, novel])[0] == novel


def test_a_graphic_novel_by_another_person_is_a_version_of_the_book(verdict):
    comic = "Moorland: A Graphic Novel"
    assert verdict(("Moorland", LEE), (comic, LEE, "Bob Cole")) == ACCEPT
    assert verdict(("Moorland", LEE), (comic, "Bob Cole", LEE)) != ACCEPT
