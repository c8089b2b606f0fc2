"""A title that no edition has is found where a source knows the work by it: product and sandbox, by the wire formats."""

import csv
from typing import Any

import pytest

from alexandria.catalogue.matching.scoring import choose
from alexandria.catalogue.models import Candidate
from alexandria.core.config import ProviderSettings
from alexandria.core.provider_facts import PROVIDERS
from alexandria.providers.client import ProviderClient
from alexandria.providers.open_library import OpenLibrary
from alexandria.providers.wikidata import Wikidata
from tests.support.unlimited import Unlimited

INKSPELL, SCHLOSS, BLOOD = "9780439554008", "9780805241181", "9780439709101"
COLUMNS = ("isbn13", "title", "subtitle", "authors", "publisher", "published", "language", "pages", "work_id", "series", "other_titles")  # fmt: skip
BOOKS = [
    {"isbn13": INKSPELL, "title": "Inkspell", "authors": "Cornelia Funke|Anthea Bell", "published": "2005", "language": "en", "work_id": "w:1", "other_titles": "Tintenblut|Sangue d'inchiostro"},
    {"isbn13": SCHLOSS, "title": "The Castle", "authors": "Franz Kafka", "published": "1926", "language": "en", "work_id": "w:2", "other_titles": "Das Schloß"},
    {"isbn13": BLOOD, "title": "Dragon Rider", "authors": "Cornelia Funke", "published": "2004", "language": "en", "work_id": "w:3"},
]  # fmt: skip
SOURCES = (OpenLibrary, Wikidata)


@pytest.fixture
async def source(sandbox, tmp_path):
    """`source(OpenLibrary)` asks a sandbox that holds BOOKS, all of them in every source."""
    path = tmp_path / "books.csv"
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(BOOKS)
    known = {"open_library": 1.0, "wikidata": 1.0}
    transport = sandbox(books=path, coverage=known, look_alikes=0)._transport
    opened = []

    def ask(kind):
        limits = PROVIDERS[kind.name].limits.model_dump()
        settings = ProviderSettings(name=kind.name, key=None, **limits | {"base_url": f"http://sandbox/{kind.name}"})
        far: Any = Unlimited()
        client = ProviderClient(settings, far, far, contact="ops@library.test", version="0", inner=transport)
        opened.append(client)
        return kind(client)

    yield ask
    for client in opened:
        await client.aclose()


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize(
    ("candidate", "title"),
    [
        (Candidate("Tintenblut", "Cornelia Funke", 2005), "Inkspell"),
        (Candidate("Sangue d'inchiostro", "Funke, Cornelia", 2005), "Inkspell"),
        (Candidate("Das Schloß", "Franz Kafka", 1926), "The Castle"),
        (Candidate("Tintenblut", "Franz Kafka", 2005), None),
        (Candidate("Tintentod", "Cornelia Funke", 2007), None),
    ],
)
async def test_a_title_of_another_language_is_found_by_the_titles_of_the_work(source, kind, candidate, title):
    found, _, reason = choose(candidate, await source(kind).find(candidate))
    assert (found and found.title) == title
    assert title is None or "the source also knows the work as" in reason
