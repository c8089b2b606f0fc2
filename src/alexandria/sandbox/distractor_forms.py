"""The kinds of relatives that a book has in the trade: other editions, and books made from it or taken for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

SILENT = "silent"  # the language of a record that gives none


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of relative: whether it is the same work, the share of works that have one, and how it is printed.

    `title` and `author` may name the work's {title} and {author}, a {stranger}, a {near} title, both in plain Latin letters
    ({unmarked}, {unmarked_author}), the title with {entities} of HTML and the author with an {initial}; an empty author keeps
    the work's. `other_edition`: the same work, but not what is meant, as it is heard or translated; a `recording` is heard,
    whether its binding says so or its publisher alone. Only what is `notable` has an item in Wikidata.
    """

    name: str
    same_work: bool
    share: float
    prefix: str
    title: str
    author: str = ""
    publisher: str = ""
    binding: str = "Paperback"
    language: str = ""
    years_later: int = 0
    undated: bool = False
    other_edition: bool = False
    recording: bool = False
    notable: bool = True


def _guide(name: str, title: str, language: str, prefix: str = "9781") -> Form:
    return Form(name, False, 0.07, prefix, title, "Lantern Study Press", "Lantern Study Press", language=language,
                years_later=2, notable=False)  # fmt: skip


def _made(name: str, title: str, language: str = "", prefix: str = "9781", *, notable: bool = False) -> Form:
    """A book that is made from the work, by the author's name."""
    return Form(name, False, 0.08, prefix, title, publisher="Wayside Reprints", language=language, years_later=2,
                notable=notable)  # fmt: skip


FORMS = (
    Form("reprint", True, 0.3, "9781", "{title}", publisher="Wayside Reprints", years_later=4),
    Form("undated record", True, 0.2, "9781", "{unmarked}", publisher="Wayside Reprints", undated=True),
    Form("decorated", True, 0.15, "9781", "{title}: A Novel", publisher="Broadtype Editions"),
    Form("deluxe", True, 0.08, "9798", "{title} (Deluxe Edition)", publisher="Broadtype Editions", years_later=5),
    Form("large print", True, 0.4, "9781", "{title} (Large Print)", publisher="Broadtype Editions"),
    Form("with a guide", True, 0.08, "9781", "{title} (with Reading Group Guide)", publisher="Broadtype Editions",
         years_later=3),
    Form("possessive", True, 0.08, "9781", "{author}'s {title}", publisher="Broadtype Editions", years_later=5),
    Form("entities", True, 0.08, "9781", "{entities}", publisher="Wayside Reprints", years_later=2),
    Form("initial", True, 0.08, "9781", "{title}", "{initial}", "Wayside Reprints", years_later=3),
    Form("honorific", True, 0.08, "9781", "{title}", "Dr. {author}", "Wayside Reprints", years_later=3),
    Form("romanised", True, 0.08, "9798", "{unmarked}", "{unmarked_author}", "Wayside Reprints", years_later=2),
    Form("large print by its publisher", True, 0.08, "9781", "{title}", publisher="Thorndike Press", binding="Hardcover"),
    Form("audio", True, 0.4, "9781", "{title}", publisher="Hearken Audio", binding="Audio CD", other_edition=True,
         recording=True),
    Form("audio by its publisher", True, 0.08, "9781", "{title}", publisher="Recorded Books", binding="", other_edition=True,
         recording=True),
    Form("translation", True, 0.2, "9798", "{title} (Spanish Edition)", publisher="Ediciones Farola", language="es",
         years_later=1, other_edition=True),
    Form("translation without language", True, 0.08, "9798", "{title} (Turkish Edition)", publisher="Fener Kitap",
         language=SILENT, years_later=1, other_edition=True),
    Form("German translation", True, 0.08, "9783", "{title} (German Edition)", publisher="Laternen Verlag", language="de",
         years_later=1, other_edition=True),
    Form("French translation", True, 0.08, "9782", "{title}", publisher="Éditions du Fanal", language="fr", years_later=1,
         other_edition=True),
    Form("study guide", False, 0.35, "9781", "{title}: A Study Guide", "Lantern Study Press", "Lantern Study Press",
         years_later=2),
    _guide("fiche de lecture", "{title} : fiche de lecture", "fr", "9782"),
    _guide("guía de lectura", "Guía de lectura: {title}", "es"),
    _guide("resumen y análisis", "{title}: resumen y análisis", "es"),
    _guide("Lektürehilfe", "{title}: Lektürehilfe", "de", "9783"),
    _guide("краткое содержание", "{title}: краткое содержание", "ru"),
    Form("workbook", False, 0.15, "9798", "Workbook for {title}: A Companion in Exercises", "{author}",
         "Margin Companions", "Spiral-bound", years_later=1),
    _made("young readers", "{title} (Young Readers' Edition)"),
    _made("graded reader", "{title} (Wayside Readers Level 4)"),
    _made("graphic novel", "{title}: The Graphic Novel"),
    _made("novela gráfica", "{title}: novela gráfica", "es"),
    _made("çizgi roman", "{title} (Çizgi Roman)", "tr"),
    _made("Hörspiel", "{title}: Hörspiel", "de", "9783"),
    _made("screenplay", "{title}: The Screenplay"),
    _made("dramatisation", "{title} (Dramatised)"),
    _made("excerpt", "{title}: An Extended Excerpt"),
    _made("half of it", "{title} (Part 1 of 2)"),
    _made("sequel", "{title}: The Return", notable=True),
    _made("second volume", "{title} II", notable=True),
    _made("near title", "{near}", notable=True),
    Form("box set", False, 0.12, "9781", "{author} Collection: {title} and Two More (Boxed Set)",
         publisher="Wayside Reprints", years_later=3),
    Form("namesake", False, 0.08, "9798", "{title}", "{stranger}", "Independently Published", years_later=1),
    Form("summary", False, 0.4, "9798", "Summary of {title} by {author}", "Quickleaf Notes", "Quickleaf Notes",
         years_later=1),
)  # fmt: skip
NEAR_WORDS = ("Daughters", "Winter", "Harbour", "Stone")


def near_title(title: str) -> str:
    """A title that differs in one word, as those of one author do: "The Chalice of the Gods", "The Chalice of the Winter"."""
    words = title.split()
    if len(words) < 2:
        return f"{title} {NEAR_WORDS[0]}"
    other = NEAR_WORDS[len(title) % len(NEAR_WORDS)]
    at = max(range(len(words)), key=lambda place: (len(re.sub(r"\W", "", words[place])), place))
    return " ".join([*words[:at], other if words[at] != other else NEAR_WORDS[0], *words[at + 1 :]])
