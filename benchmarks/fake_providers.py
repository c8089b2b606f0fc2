"""Serves two models and five sources in their wire formats, for the benchmark of a campaign.

It shares no code with the sandbox. A model takes 2 s, a source 150 to 200 ms; what comes faster than the limit gets a 429. Each source
lacks some books. Of kind "dated" every source has both editions with their full dates. Of kind "undated", as records often are, it has
both of some books, of others the first edition without a date, the reprint alone, or a record without an ISBN. /stats counts what
arrived.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from campaign_books import Book, Printing, World, words

KINDS = ("dated", "undated")
RATES = {
    "gemini": 2.0, "xai": 2.0, "open_library": 3.0, "isbndb": 3.0,
    "google_books": 1.0, "internet_archive": 1.0, "wikidata": 1.0,
}  # fmt: skip
SOURCES = ("open_library", "google_books", "isbndb", "internet_archive", "wikidata")
COVERAGE = {"open_library": 0.75, "google_books": 0.8, "isbndb": 0.95, "internet_archive": 0.5, "wikidata": 0.3}
# Of the books of kind "undated" that a source has: the reprint alone, no ISBN (not so at ISBNdb), no date.
REPRINT, NUMBERLESS, UNDATED = 0.08, 0.25, 0.4
MODEL_SECONDS = 2.0
SOURCE_SECONDS = (0.15, 0.2)
WINDOW_TOLERANCE = 0.02  # seconds by which an arrival may be late on the way, and the next one not
PLAN_UNITS = 15_000
MONTH = re.compile(r"first published in (\w+) (\d{4})")
COUNT = re.compile(r"List up to (\d+) books")
CONTACT = re.compile(r"\([^)]*(?:@|://)[^)]*\)")
MONTHS = [date(2000, month, 1).strftime("%B") for month in range(1, 13)]
MARC = {"en": "eng", "es": "spa", "fr": "fre", "de": "ger", "sv": "swe"}
ENTITY = "http://www.wikidata.org/entity/Q"
XSD = "http://www.w3.org/2001/XMLSchema#"

Answer = Callable[[Request], Awaitable[Response]]


class Limit:
    """Admits `rate` requests in any second."""

    def __init__(self, rate: float) -> None:
        self._seconds = max(1.0, 1.0 / rate) - WINDOW_TOLERANCE
        self._admitted: deque[float] = deque(maxlen=max(int(rate), 1))

    def admits(self) -> bool:
        now = time.monotonic()
        if len(self._admitted) == self._admitted.maxlen and now - self._admitted[0] < self._seconds:
            return False
        self._admitted.append(now)
        return True


class Providers:
    """All providers over one world of books, so many `times` as fast as they are."""

    def __init__(self, world: World, kind: str, times: float) -> None:
        self._world, self._kind, self._times = world, kind, times
        self._limits = {name: Limit(rate * times) for name, rate in RATES.items()}
        self.arrivals: dict[str, list[float]] = {name: [] for name in RATES}
        self.refused: Counter[str] = Counter()
        self.units = 0

    def app(self) -> Starlette:
        routes = [
            ("gemini", "/v1beta/{model:path}", self.gemini, ["POST"]),
            ("xai", "/v1/chat/completions", self.xai, ["POST"]),
            ("open_library", "/search.json", self.open_library, ["GET"]),
            ("open_library", "/api/books", self.open_library_by_isbn, ["GET"]),
            ("google_books", "/books/v1/volumes", self.google_books, ["GET"]),
            ("isbndb", "/books", self.isbndb_bulk, ["POST"]),
            ("isbndb", "/books/{query:path}", self.isbndb, ["GET"]),
            ("internet_archive", "/advancedsearch.php", self.internet_archive, ["GET"]),
            ("internet_archive", "/metadata/{item}", self.internet_archive_item, ["GET"]),
            ("wikidata", "/sparql", self.wikidata, ["GET"]),
        ]
        free = [Route("/stats", self.stats), Route("/isbndb/key", self.isbndb_key)]
        return Starlette(routes=free + [Route(f"/{name}{path}", self._limited(name, answer), methods=methods) for name, path, answer, methods in routes])  # fmt: skip

    def _limited(self, name: str, answer: Answer) -> Answer:
        """The answer within the provider's limit, after its latency."""

        async def within(request: Request) -> Response:
            self.arrivals[name].append(time.time())
            if name == "open_library" and not CONTACT.search(request.headers.get("user-agent", "")):
                return HTMLResponse("<html><body><h1>403 Forbidden</h1></body></html>", 403)
            if not self._limits[name].admits():
                self.refused[name] += 1
                return JSONResponse({"message": "Too Many Requests", "error": "rate limit"}, 429, {"retry-after": "1"})
            low, high = SOURCE_SECONDS if name in SOURCES else (MODEL_SECONDS, MODEL_SECONDS)
            await asyncio.sleep((low + (high - low) * self._world.luck(name, len(self.arrivals[name]))) / self._times)
            return await answer(request)

        return within

    async def stats(self, _: Request) -> Response:
        return JSONResponse({"arrivals": self.arrivals, "refused": self.refused, "isbndb_units": self.units})

    # The models: the first one names a month's first books, the other one its last, so that they share some.

    async def gemini(self, request: Request) -> Response:
        body = await request.json()
        prompt = "".join(part.get("text", "") for content in body["contents"] for part in content["parts"])
        text = self._list(prompt, last=False)
        candidate = {"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": text}]}}
        usage = {
            "promptTokenCount": 700,
            "candidatesTokenCount": 900,
            "thoughtsTokenCount": 200,
            "totalTokenCount": 1800,
        }
        answer = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "fake", "responseId": "benchmark"}
        return JSONResponse(answer)

    async def xai(self, request: Request) -> Response:
        body = await request.json()
        text = self._list("".join(_content(message) for message in body["messages"]), last=True)
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "refusal": None, "content": text},
        }
        usage = {"prompt_tokens": 700, "completion_tokens": 900, "total_tokens": 1600}
        return JSONResponse({"id": "benchmark", "object": "chat.completion", "created": 1767225600, "model": body["model"], "choices": [choice], "usage": usage})  # fmt: skip

    def _list(self, prompt: str, *, last: bool) -> str:
        asked, limit = MONTH.search(prompt), COUNT.search(prompt)
        assert asked, "a prompt names its month"
        assert limit, "a prompt says how many books are wanted"
        month = f"{asked[2]}-{MONTHS.index(asked[1]) + 1:02d}"
        count = int(limit[1])
        books = self._world.of_month.get(month, [])
        named = books[-count:] if last else books[:count]
        listed = [
            {"title": book.title, "author": ", ".join(book.authors), "publisher": book.first.publisher,
             "format": "Hardcover", "year": book.year}
            for book in named
        ]  # fmt: skip
        return json.dumps({"books": listed}, ensure_ascii=False)

    # What a source knows of a book.

    def _holds(self, source: str, book: Book) -> bool:
        return self._world.luck(source, book.number) < COVERAGE[source]

    def _printings(self, source: str, book: Book) -> list[tuple[Printing, str]]:
        """The editions that the source has of a book, the one shown first first, each with its date, "" if it has none."""
        luck = self._world.luck(source, "record", book.number) if self._kind == "undated" else 1.0
        if luck < REPRINT:
            return [(book.reprint, book.reprint.published)]
        if luck < REPRINT + NUMBERLESS and source != "isbndb":
            return [(replace(book.first, isbn13=""), "")]
        if luck < REPRINT + NUMBERLESS + UNDATED:
            return [(book.first, "")]
        return [(each, each.published) for each in book.printings]

    def _held(self, source: str, books: list[Book]) -> list[Book]:
        return [book for book in books if self._holds(source, book)]

    # Open Library

    async def open_library(self, request: Request) -> Response:
        asked = request.query_params
        limit = int(asked.get("limit", 100))
        if isbns := re.findall(r"\d{13}", asked.get("q", "")):
            books = list(dict.fromkeys(self._world.by_isbn[isbn][0] for isbn in isbns if isbn in self._world.by_isbn))
        else:
            books = self._world.found(asked.get("title", ""), asked.get("author", ""))
        docs = [self._work(book) for book in self._held("open_library", books)[:limit]]
        return JSONResponse({"numFound": len(docs), "start": 0, "numFoundExact": True, "docs": docs})

    def _work(self, book: Book) -> dict[str, Any]:
        printings = self._printings("open_library", book)
        edition, dated = printings[0]
        nested = {"key": f"/books/OL{8_000_000 + book.number}M", "title": book.title, "isbn": _numbers(edition),
                  "publisher": [edition.publisher], "format": [edition.binding], "language": [MARC.get(book.language, "eng")]}  # fmt: skip
        nested |= {"publish_date": [_in_words(dated)]} if dated else {}
        work: dict[str, Any] = {"key": _work_key(book), "title": book.title, "author_name": list(book.authors)}
        work |= {"isbn": [number for each, _ in printings for number in _numbers(each)]}
        work |= {"first_publish_year": book.year} if self._kind == "dated" else {}
        return work | {"editions": {"numFound": len(printings), "start": 0, "numFoundExact": True, "docs": [nested]}}

    async def open_library_by_isbn(self, request: Request) -> Response:
        found = {}
        for key in request.query_params["bibkeys"].split(","):
            isbn = key.removeprefix("ISBN:")
            if isbn in self._world.by_isbn and self._holds("open_library", book := self._world.by_isbn[isbn][0]):
                for edition, dated in self._printings("open_library", book):
                    if edition.isbn13 == isbn:
                        found[key] = {"bib_key": key, "details": self._details(book, edition, dated)}
        return JSONResponse(found)

    def _details(self, book: Book, edition: Printing, dated: str) -> dict[str, Any]:
        details = {"key": f"/books/OL{edition.isbn13[3:]}M", "title": book.title, "isbn_13": [edition.isbn13],
                   "publishers": [edition.publisher], "works": [{"key": _work_key(book)}],
                   "physical_format": edition.binding, "languages": [{"key": f"/languages/{MARC.get(book.language, 'eng')}"}],
                   "authors": [{"key": "/authors/OL1A", "name": name} for name in book.authors]}  # fmt: skip
        return details | ({"publish_date": _in_words(dated)} if dated else {})

    # Google Books

    async def google_books(self, request: Request) -> Response:
        query = request.query_params["q"]
        title, author = re.search(r'intitle:"([^"]*)"', query), re.search(r'inauthor:"([^"]*)"', query)
        by_name = self._world.found(title[1], author[1] if author else "") if title else []
        books = by_name if title else self._world.found_anywhere(query)
        items = [self._volume(book) for book in self._held("google_books", books)[:20]]
        answer: dict[str, Any] = {"kind": "books#volumes", "totalItems": len(items)}
        return JSONResponse(answer | ({"items": items} if items else {}))

    def _volume(self, book: Book) -> dict[str, Any]:
        edition, dated = self._printings("google_books", book)[0]
        info = {"title": book.title, "authors": list(book.authors), "publisher": edition.publisher,
                "industryIdentifiers": [{"type": "ISBN_13", "identifier": number} for number in _numbers(edition)], "language": book.language}  # fmt: skip
        return {"id": f"GB{book.number:010d}", "volumeInfo": info | ({"publishedDate": dated} if dated else {})}

    # ISBNdb

    async def isbndb_key(self, _: Request) -> Response:
        plan = {"total": PLAN_UNITS, "spent": self.units, "left": PLAN_UNITS - self.units}
        return JSONResponse({"api_host": "api.premium.isbndb.com", "plan_limit": plan, "plan_name": "premium"})

    async def isbndb(self, request: Request) -> Response:
        self.units += 1
        asked = request.path_params["query"]
        books = self._held("isbndb", self._world.found_anywhere(asked))
        records = [record for book in books for record in self._trade(book).values()]
        if not records:
            return JSONResponse({"message": "Not Found", "error_message": "no book"}, 404, self._units_left())
        return JSONResponse({"total": len(records), "books": records[:40]}, headers=self._units_left())

    async def isbndb_bulk(self, request: Request) -> Response:
        isbns = (await request.json())["isbns"]
        self.units += len(isbns)
        known = {isbn: self._world.by_isbn[isbn][0] for isbn in isbns if isbn in self._world.by_isbn}
        shelves = {isbn: self._trade(book) for isbn, book in known.items() if self._holds("isbndb", book)}
        records = [shelf[isbn] for isbn, shelf in shelves.items() if isbn in shelf]
        return JSONResponse(
            {"total": len(records), "requested": len(isbns), "data": records}, headers=self._units_left()
        )

    def _units_left(self) -> dict[str, str]:
        return {"ratelimit": f'"daily";r={PLAN_UNITS - self.units}'}

    def _trade(self, book: Book) -> dict[str, dict[str, Any]]:
        """The records of a book's editions by ISBN."""
        records: dict[str, dict[str, Any]] = {}
        for edition, dated in self._printings("isbndb", book):
            records[edition.isbn13] = {
                "title": book.title, "title_long": book.title, "isbn": edition.isbn13, "isbn13": edition.isbn13,
                "authors": [_inverted(name) for name in book.authors], "publisher": edition.publisher,
                "language": book.language, "binding": edition.binding, "related": [], "other_isbns": [],
                **({"date_published": dated} if dated else {}),
            }  # fmt: skip
        return records

    # Internet Archive

    async def internet_archive(self, request: Request) -> Response:
        query = request.query_params["q"]
        title, creator = re.search(r'title:\("([^"]*)"\)', query), re.search(r"creator:\(([^)]*)\)", query)
        books = self._world.found(title[1] if title else "", creator[1] if creator else "")
        docs = [self._item(book) for book in self._held("internet_archive", books)[:20]]
        answer = {"numFound": len(docs), "start": 0, "docs": docs}
        return JSONResponse({"responseHeader": {"status": 0, "QTime": 21, "params": {}}, "response": answer})

    async def internet_archive_item(self, _: Request) -> Response:
        return JSONResponse({})

    def _item(self, book: Book) -> dict[str, Any]:
        edition, dated = self._printings("internet_archive", book)[0]
        doc = {"identifier": f"book{book.number:08d}", "mediatype": "texts", "title": book.title,
               "creator": _inverted(book.authors[0]), "isbn": _numbers(edition),
               "publisher": f"New York : {edition.publisher}", "language": MARC.get(book.language, "eng")}  # fmt: skip
        return doc | ({"date": f"{dated}T00:00:00Z"} if dated else {})

    # Wikidata

    async def wikidata(self, request: Request) -> Response:
        query = request.query_params["query"]
        title = re.search(r'mwapi:search "((?:[^"\\]|\\.)*)"', query)
        family = re.search(r'CONTAINS\(LCASE\(STR\(\?name\)\), "([^"]*)"\)', query)
        books = self._world.found(title[1], family[1]) if title and family else []
        rows = [row for book in self._held("wikidata", books)[:10] if "isbn" in (row := self._row(book))]
        answer = {"head": {"vars": ["work", "workLabel", "authorLabel", "item", "itemLabel", "isbn", "date"]}, "results": {"bindings": rows}}  # fmt: skip
        return JSONResponse(answer, media_type="application/sparql-results+json")

    def _row(self, book: Book) -> dict[str, Any]:
        edition, dated = self._printings("wikidata", book)[0]
        work = {"type": "uri", "value": f"{ENTITY}{1_000_000 + book.number}"}
        row = {"work": work, "workLabel": _literal(book.title), "authorLabel": _literal(book.authors[0]),
               "item": {"type": "uri", "value": f"{ENTITY}{2_000_000 + book.number}"}, "itemLabel": _literal(book.title),
               "language": {"type": "literal", "value": book.language}}  # fmt: skip
        row |= {"isbn": {"type": "literal", "value": edition.isbn13}} if edition.isbn13 else {}
        if not dated:
            return row
        exact = {"datatype": f"{XSD}integer", "type": "literal", "value": "11"}
        return row | {"precision": exact, "date": {"datatype": f"{XSD}dateTime", "type": "literal", "value": f"{dated}T00:00:00Z"}}  # fmt: skip


def _numbers(edition: Printing) -> list[str]:
    return [edition.isbn13] if edition.isbn13 else []


def _content(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _literal(text: str) -> dict[str, str]:
    return {"xml:lang": "en", "type": "literal", "value": text}


def _work_key(book: Book) -> str:
    return f"/works/OL{9_000_000 + book.number}W"


def _in_words(published: str) -> str:
    """A date as people print it: May 17, 2003."""
    day = date.fromisoformat(published)
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def _inverted(name: str) -> str:
    given, _, family = name.rpartition(" ")
    return f"{family}, {given}" if given and words(family) else name


def serve(months: int, seed: int, kind: str, times: float, announce: Callable[[str], object]) -> None:
    """Serve until the process is ended; `announce` gets the URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    app = Providers(World(months, seed), kind, times).app()
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", ws="none")
    announce(f"http://127.0.0.1:{listening.getsockname()[1]}")
    uvicorn.Server(config).run(sockets=[listening])
