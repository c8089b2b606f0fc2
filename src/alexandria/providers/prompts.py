"""The prompts for a month's books: seven variants of one request, with the month by name."""

from __future__ import annotations

from alexandria.core.errors import BadInput
from alexandria.core.month import Month

RULES = """\
You compile bibliographies for a library. List up to {count} books: {count} books if you are sure of that many, fewer if \
you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose \
title, author or month of first publication you would have to guess.

Which books count
- The book was first published in {month}, anywhere in the world, in any language. Reprints, paperback releases of an \
older book, new translations and anniversary editions belong to the month of the first edition, not to {month}.
- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do \
not count.
- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a \
collection counts only if it was noted in its own right.

How to write each book
- title: the original title in its original language and script, without series name, edition or marketing line.
- author: the full name as on the title page, given name first; several authors separated by commas; no "various".
- publisher: the first publisher, or an empty text if you do not know it.
- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.
- year: the year of first publication as a number.

Answer with one JSON object and nothing else: {{"books": [{{"title": "", "author": "", "publisher": "", "format": "", \
"year": 0}}]}}. List every book once, the one you are surest of first."""

BASELINE = "Name the books first published in {month} that a good public library would regret not owning: those that \
were reviewed, read, borrowed and remembered, fiction and non-fiction, for adults and for children."

CONTEMPORARY = "Name the notable books first published in {month}: prize winners and finalists, bestsellers, widely \
reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer \
books that are in libraries today over books that were merely advertised."

ANNUAL = "Think of the year {year} as a whole: its prize lists, its best-of-the-year lists, its bestsellers. Name the \
books from them that were first published in {month}, and only those; a book of another month of {year} does not belong \
here, however famous it is."

DIVERSITY = (
    "Name notable books first published in {month} from the whole width of the world's writing: authors of many \
countries, languages, backgrounds and genders, small presses beside large ones, works not originally in English beside \
English ones. Each must still be a book that readers or critics of its own place took note of."
)

OVERLOOKED = "Name books first published in {month} that were little noticed then and matter now: later reissued, \
taught, translated, adapted, or cited as an influence; debuts of authors who became known afterwards; works from small \
presses that found their readers slowly."

ROTATION = "Name the notable books of one kind, {genre}, first published in {month}. Leave out other kinds, even if \
better known."

ERA = "Place yourself in {month}, in {era}. Name the books first published in that month that show what was then being \
written, argued about and read: those that mattered when they came out, and those that turned out to mark the time."

VARIANTS = {
    "baseline": BASELINE,
    "contemporary-notable": CONTEMPORARY,
    "annual": ANNUAL,
    "diversity-emphasis": DIVERSITY,
    "overlooked-significance": OVERLOOKED,
    "genre-rotation": ROTATION,
    "era-contextualized": ERA,
}

GENRES = (
    "literary fiction",
    "crime, mystery and thrillers",
    "science fiction and fantasy",
    "history, biography and memoir",
    "books for children and young adults",
    "science, nature and technology",
    "historical fiction and romance",
    "politics, society and economics",
    "poetry, drama and short stories",
    "comics and graphic novels",
    "horror and speculative fiction",
    "arts, food, travel and essays",
)

ERAS = (  # from that year on
    (1900, "the years before the First World War"),
    (1914, "the First World War and its aftermath"),
    (1919, "the years between the wars"),
    (1939, "the Second World War"),
    (1946, "the post-war years"),
    (1961, "the decade of decolonisation, civil rights and the counter-culture"),
    (1970, "the seventies"),
    (1980, "the last decade of the Cold War"),
    (1990, "the years after the Cold War, before the web changed reading"),
    (2000, "the first years of the new century, when online bookselling grew up"),
    (2008, "the years of the financial crisis and of the first e-readers"),
    (2014, "the years of social media, self-publishing and audio"),
    (2020, "the years of the pandemic and after"),
)

FIRST_CONTEMPORARY_YEAR = 2020


def default_variant(month: Month) -> str:
    """The variant that is used by default."""
    return "contemporary-notable" if month.year >= FIRST_CONTEMPORARY_YEAR else "baseline"


def known(variant: str) -> str:
    """The variant's own name. Raises BadInput for an unknown one, listing those there are."""
    if variant not in VARIANTS:
        raise BadInput(f"unknown prompt variant {variant!r}", hint=f"known are {', '.join(VARIANTS)}")
    return variant


def render(variant: str, month: Month, count: int) -> str:
    """The prompt for `count` books of `month`. Raises BadInput for an unknown variant."""
    aim = VARIANTS[known(variant)].format(month=month.name, year=month.year, genre=genre(month), era=era(month))
    return f"{aim}\n\n{RULES.format(month=month.name, count=count)}\n"


def genre(month: Month) -> str:
    """The kind whose turn it is: each calendar month has another one every year."""
    return GENRES[(month.year + month.month - 1) % len(GENRES)]


def era(month: Month) -> str:
    return next(name for start, name in reversed(ERAS) if month.year >= start)
