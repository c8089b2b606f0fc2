"""Writes an edition as MARC 21: one brief record in UTF-8, without ISBD punctuation, that names its sources."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pymarc import Field, Indicators, Record, Subfield

from alexandria.catalogue.export.query import Entry
from alexandria.catalogue.languages import three_letters
from alexandria.catalogue.matching.kinds import AUDIO, EBOOK, LARGE_PRINT, formats_of
from alexandria.catalogue.matching.names import without_suffixes
from alexandria.catalogue.matching.tongues import ARTICLES

NEW, DELETED = "n", "d"  # status of a record
PRINT, SPOKEN = "a", "i"  # types of record: language material, nonmusical sound recording
FORMS = {LARGE_PRINT: "d", EBOOK: "o"}  # of item, in field 008
ROLES = {"author": "aut", "editor": "edt", "translator": "trl", "illustrator": "ill", "narrator": "nrt"}
# A field holds less than 10,000 bytes and a record less than 100,000: nothing that sources print comes near.
MAX_TEXT_LENGTH, MAX_NAME_LENGTH, MAX_NOTE_LENGTH = 1000, 200, 2000  # characters
MAX_CONTRIBUTORS, MAX_SUBJECTS, MAX_OTHER_TITLES = 20, 30, 20
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")  # among them those that part fields and records
BODY = re.compile(
    r"\b(?:staff|editors|institute|society|association|university|press|publishing|museum)\b", re.IGNORECASE
)
PREFIXES = {"Le", "La", "Du", "De", "Des", "Del", "Della", "Di", "Da", "Van", "Von", "Der", "Den", "El", "Al", "St."}
OTHER_ORDER = re.compile("[\u0590-\u1cff\u2e80-\ud7ff\uf900-\ufaff]")  # scripts with the family name first, or none


def record(entry: Entry) -> bytes:
    """Return the record in transmission format."""
    status = DELETED if entry.withdrawn else NEW
    kind = SPOKEN if AUDIO in formats_of(entry.binding) else PRINT
    return Record(fields=list(_fields(entry)), leader=f"     {status}{kind}m a22     3  4500").as_marc()


def _fields(entry: Entry) -> Iterator[Field]:
    language = three_letters(entry.language)
    yield Field("001", data=entry.isbn13)
    yield Field("005", data=f"{entry.changed_at:%Y%m%d%H%M%S}.0")
    yield Field("008", data=_fixed(entry, language))
    yield _field("020", "  ", ("a", entry.isbn13), ("q", entry.binding))
    if language:
        yield _field("041", "  ", ("a", language))
    people = [person for person in entry.people if person[0].strip()][: MAX_CONTRIBUTORS + 1]
    if people:
        yield _name("1", *people[0])
    yield _title(entry, [name for name, _ in people])
    for title in entry.other_titles[:MAX_OTHER_TITLES]:
        yield _field("246", "3 ", ("a", title), longest=MAX_NAME_LENGTH)
    if entry.publisher or entry.published:
        yield _field("264", " 1", ("b", entry.publisher), ("c", entry.published or ""))
    if entry.pages:
        yield _field("300", "  ", ("a", f"{entry.pages} pages"))
    if entry.sources:
        yield _field("500", "  ", ("a", provenance(entry)), longest=MAX_NOTE_LENGTH)
    for subject in entry.subjects[:MAX_SUBJECTS]:
        yield _field("653", "  ", ("a", subject), longest=MAX_NAME_LENGTH)
    for name, role in people[1:]:
        yield _name("7", name, role)


def provenance(entry: Entry) -> str:
    """Return a sentence that names, for each field, the provider and the record it comes from."""
    fields: dict[tuple[str, str, str], list[str]] = {}
    for one in entry.sources:
        fields.setdefault((one["provider"], one["id"], one["fetched_at"][:10]), []).append(one["field"])
    records = (f"{', '.join(names)}: {provider} {key} ({day})" for (provider, key, day), names in fields.items())
    return f"Sources: {'; '.join(records)}"


def _fixed(entry: Entry, language: str) -> str:
    """Return field 008, all 40 characters: dates, form of item and language; the fill character where nothing is known."""
    year, _, rest = (entry.published or "").partition("-")
    dated = f"e{year}{rest.replace('-', ''):4}" if rest else f"s{year}    " if year else "nuuuuuuuu"
    form = next((FORMS[name] for name in formats_of(entry.binding) if name in FORMS), "|")
    return f"{entry.created_at:%y%m%d}{dated}xx |||||{form}|||||||| ||{language or 'und'}|d"


def _title(entry: Entry, names: list[str]) -> Field:
    first, _, rest = entry.title.partition(" ")
    skipped = len(first) + 1 if rest and first.lower() in ARTICLES.get(entry.language, ()) else 0
    subfields = ("a", entry.title), ("b", entry.subtitle), ("c", ", ".join(names))
    return _field("245", f"{1 if names else 0}{skipped}", *subfields)


def _name(block: str, name: str, role: str) -> Field:
    """Return an author as a heading: 100 and 110 for the first, 700 and 710 for the others."""
    code = ("4", ROLES.get(role, ""))
    if BODY.search(name):
        return _field(f"{block}10", "2 ", ("a", name), code, longest=MAX_NAME_LENGTH)
    text = inverted(name)
    return _field(f"{block}00", "1 " if "," in text else "0 ", ("a", text), code, longest=MAX_NAME_LENGTH)


def inverted(name: str) -> str:
    """As in "Le Guin, Ursula K." and "Beauvoir, Simone de": a capital prefix goes with the family name, a small one trails.

    Names of one word, and in scripts where the order is another, stay as they are.
    """
    words, suffixes = without_suffixes(name.split())
    if len(words) < 2 or "," in name or OTHER_ORDER.search(name):
        return name
    start = len(words) - 1
    while start > 1 and words[start - 1] in PREFIXES:
        start -= 1
    return f"{' '.join(words[start:])}, {' '.join(words[:start])}" + "".join(f", {each}" for each in suffixes)


def _field(tag: str, indicators: str, *subfields: tuple[str, str], longest: int = MAX_TEXT_LENGTH) -> Field:
    """Return a field of the subfields that have a value."""
    cleaned = [Subfield(code, CONTROLS.sub(" ", text).strip()[:longest]) for code, text in subfields]
    return Field(tag, Indicators(*indicators), [subfield for subfield in cleaned if subfield.value])
