"""Stores the titles by which sources know a work besides its own, so that it is recognised by them in another month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest

from alexandria.catalogue.index import add_keys
from alexandria.catalogue.matching import titles
from alexandria.catalogue.matching.scoring import work_key
from alexandria.catalogue.models import EditionRecord, OtherTitle, SourceRecord
from alexandria.catalogue.repository import source_record
from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)
MAX_TITLES = 50  # of one work that are stored; a classic has hundreds, most of them spellings of a few
MAX_TITLE_LENGTH = 300  # characters; what is longer is no title


async def add_other_titles(connection: Connection, work_id: int, hits: Sequence[EditionRecord]) -> bool:
    """Store the titles that records of a work give besides its own. Returns whether any of them was new.

    Usual spellings of one title count as one, so that only the first of them is stored.
    """
    work = await (await connection.execute(SQL["known"], {"work_id": work_id})).fetchone()
    if work is None:
        return False
    known = {work_key(title, ()) for title in (work["title"], *work["others"])}
    known.add(" ".join(titles.read(work["title"]).head))
    new: dict[str, tuple[OtherTitle, SourceRecord]] = {}
    for title, source in _offered(hits, work["language"]):
        if len(work["others"]) + len(new) == MAX_TITLES:
            break
        key = work_key(title, ())
        if len(title) <= MAX_TITLE_LENGTH and key not in known:
            known.add(key)
            new[key] = title, source
    if not new:
        return False
    sources = {source: await source_record(connection, source) for source in {source for _, source in new.values()}}
    added_titles = [title for title, _ in new.values()]
    added = {
        "work_id": work_id,
        "titles": added_titles,
        "languages": [title.language for title, _ in new.values()],
        "records": [sources[source] for _, source in new.values()],
    }
    await connection.execute(SQL["add"], added)
    await add_keys(connection, work_id, added_titles, work["people"])
    return True


def _offered(hits: Sequence[EditionRecord], language: str) -> Iterator[tuple[OtherTitle, SourceRecord]]:
    """The titles of the records in turn, each with its source: where there is no room for all, each record has its share.

    An edition in another language than the work's bears the title that the work has there.
    """
    given = [
        [
            (title if isinstance(title, OtherTitle) else OtherTitle(title), hit.source)
            for title in _titles(hit, language)
        ]
        for hit in hits
    ]
    yield from filter(None, chain.from_iterable(zip_longest(*given)))


def _titles(hit: EditionRecord, language: str) -> Iterator[str]:
    if hit.language and language and hit.language != language:
        yield OtherTitle(hit.title, hit.language)
    yield from hit.other_titles
