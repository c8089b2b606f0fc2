"""Finds the columns of a list of books by the names that programs and people give them, in several languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alexandria.core.errors import BadInput

MAX_COLUMNS = 300  # of a list, of which those behind have no field of a book
MAX_NAME_LENGTH = 200  # characters of a column's name that are compared


def _plain(name: str) -> str:
    """A column's name in lower case, letters and digits only, without accents."""
    folded = name[:MAX_NAME_LENGTH].casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded.replace("ı", "i"))[:MAX_NAME_LENGTH]
    return "".join(letter for letter in folded if letter.isalnum())


# The usual names of each field, without blanks and punctuation, the better one first. Goodreads, StoryGraph, LibraryThing and
# Calibre name their columns so, then people do in English, German, French, Spanish and Portuguese, Italian, Dutch and
# the northern languages, Polish, Czech, Turkish, Russian, Greek, Hebrew, Arabic, Chinese, Japanese, Korean.
_USUAL = {
    "title": (
        "title booktitle fulltitle titleofbook bookname name titel buchtitel werktitel haupttitel boektitel titre titredulivre "
        "titulo título titulodellibro títulodellibro títulodolivro titolo titololibro tittel otsikko nimeke teos cím tytuł "
        "tytul tytułksiążki název nazev názevknihy názov titlu başlık kitapadı kitapismi eseradı название заглавие "
        "названиекниги заголовок назва τίτλος שם כותר כותרת שםהספר العنوان عنوان عنوانالكتاب 书名 書名 题名 題名 标题 標題 "
        "タイトル 書籍名 제목 도서명 서명"
    ),
    "subtitle": (
        "subtitle untertitel soustitre subtitulo subtítulo sottotitolo ondertitel undertitel podtytuł podtitul altbaşlık "
        "подзаголовок 副标题 副標題 副題 サブタイトル 부제"
    ),
    "author": (
        "author authors primaryauthor firstauthor bookauthor authorname authornames authorlf authorfl writer writers creator "
        "creators authorsort autor autoren verfasser verfasserin autorin schriftsteller urheber auteur auteurs écrivain "
        "ecrivain schrijver autora autores autoras escritor escritora autore autori autrice scrittore forfatter forfattare "
        "författare kirjailija tekijä szerző autorka autorzy autoři autori yazar yazarlar yazaradı автор авторы писатель "
        "автори συγγραφέας סופר מחבר المؤلف مؤلف الكاتب 作者 著者 著者名 作家 저자 지은이 작가"
    ),
    "year": (
        "originalpublicationyear firstpublished firstpublicationyear yearfirstpublished originalpublicationdate firstpublishyear "
        "yearpublished publicationyear publishedyear year pubyear published publicationdate datepublished publishdate "
        "publisheddate pubdate releasedate releaseyear copyright jahr erscheinungsjahr ersterscheinung erschienen "
        "erscheinungsdatum publikationsjahr année annee annéedepublication anneedepublication dateparution datedeparution "
        "año ano añodepublicación anodepublicacion anodepublicação añopublicación publicación anno annodipubblicazione "
        "annopubblicazione jaar jaarvanuitgave verschijningsjaar år ar utgivningsår utgivelsesår vuosi julkaisuvuosi év "
        "kiadáséve rok rokwydania rokvydání rokvydania an anulapariției yıl yayınyılı basımyılı год годиздания рік έτος שנה "
        "שנתהוצאה السنة سنةالنشر 年 年份 出版年 出版年份 出版日期 出版日 発行年 発売日 연도 출판년도 출판연도 출간일 발행년도"
    ),
    "month": (
        "month publicationmonth pubmonth monat erscheinungsmonat mois mes mês mese maand månad måned kuukausi hónap miesiąc "
        "měsíc ay месяц 月 月份 월"
    ),
    "isbn": (
        "isbn13 isbn isbn10 isbns isbnuid isbnean isbncode isbnno isbnnumber isbnnummer numéroisbn ean ean13 originalisbn "
        "barcode identifiers uid isbnкод"
    ),
    "id": "id key bookid no nr",
}
NAMES = {field: tuple(map(_plain, names.split())) for field, names in _USUAL.items()}
LIBRARYTHING_YEAR, LIBRARYTHING_COLUMNS = "date", frozenset({"primaryauthor", "primaryauthorrole", "sortcharacter"})
REQUIRED = ("title", "author")
MAX_SHOWN_COLUMNS = 30  # of a header that are listed in an error


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row each field is: positions from 0, the better column first."""

    positions: Mapping[str, tuple[int, ...]]

    def __getitem__(self, field: str) -> tuple[int, ...]:
        return self.positions.get(field, ())


def recognised(header: Sequence[str], given: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """The columns of `header` that have a usual name, or the name that `given` gives a field."""
    plain = [_plain(name) for name in header[:MAX_COLUMNS]]
    places: dict[str, list[int]] = {}
    for at, column in enumerate(plain):
        places.setdefault(column, []).append(at)
    found = {}
    for field, names in NAMES.items():
        if field in given:
            found[field] = _given(header, plain, given[field])
        else:
            known = names
            if field == "year" and LIBRARYTHING_COLUMNS & set(plain):
                known = (*names, LIBRARYTHING_YEAR)
            found[field] = tuple(at for name in known for at in places.get(name, ()))
    return {field: positions for field, positions in found.items() if positions}


def columns_of(header: Sequence[str], given: Mapping[str, str]) -> Columns:
    """The columns by field. Raises BadInput, once for the whole list, if the title or the author has none."""
    found = recognised(header, given)
    listed = ", ".join(repr(name) for name in header[:MAX_SHOWN_COLUMNS])
    for field, column in given.items():
        if field not in found:
            raise BadInput(
                f"no column is named {column!r}; the columns are {listed}", hint="--map FIELD=COLUMN names one"
            )
    missing = [field for field in REQUIRED if field not in found]
    if missing:
        hint = " ".join(f"--map {field}=COLUMN" for field in missing)
        raise BadInput(
            f"no column has a usual name for the {' and the '.join(missing)}; the columns are {listed}", hint=hint
        )
    return Columns(found)


def mapping(pairs: Sequence[str]) -> dict[str, str]:
    """The column named for each field, from texts like "title=Titel". Raises BadInput."""
    named: dict[str, str] = {}
    for pair in pairs:
        field, sign, column = pair.partition("=")
        field = field.strip().lower()
        if not sign or not column.strip() or field not in NAMES or field in named:
            fields = ", ".join(NAMES)
            raise BadInput(f"--map {pair}: not FIELD=COLUMN", hint=f"each field once; fields are {fields}")
        named[field] = column.strip()
    return named


def _given(header: Sequence[str], plain: Sequence[str], column: str) -> tuple[int, ...]:
    """The columns of this very name, or of one that differs in case, blanks and punctuation only."""
    exact = tuple(at for at, name in enumerate(header) if name.strip() == column)
    return exact or tuple(at for at, name in enumerate(plain) if name and name == _plain(column))
