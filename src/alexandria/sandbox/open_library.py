"""Serves Open Library: works with nested editions, free-text dates and redirects; no keys, but polite clients."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from random import Random
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from alexandria.catalogue.models import Isbn13
from alexandria.sandbox.corpus import Edition
from alexandria.sandbox.fault_responses import UNAVAILABLE, Strike, instead
from alexandria.sandbox.open_library_records import Catalogue
from alexandria.sandbox.provider import CONTACT, Latency, ProviderSandbox
from alexandria.sandbox.search import Query
from alexandria.sandbox.state import SandboxState

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000  # docs
EDITIONS_PER_WORK = 4  # looked at, so that one work with many does not fill a page
RECORD = Latency(0.25, 0.5)
ANONYMOUS_RATE_FACTOR = 1 / 3  # of the pace, for those who do not say who they are
COMMON_AGENTS = ("Mozilla/", "curl/", "Wget/")
DEFAULT_FIELDS = ("author_key", "author_name", "cover_edition_key", "cover_i", "ebook_access", "edition_count",
                  "first_publish_year", "has_fulltext", "ia", "key", "language", "public_scan_b", "title")  # fmt: skip
FORBIDDEN = ("<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>"
             "\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")  # fmt: skip


class OpenLibrarySandbox(ProviderSandbox):
    name: ClassVar[str] = "open_library"
    latency: ClassVar[Latency] = Latency(0.6, 0.6)
    coverage: ClassVar[float] = 0.97

    def __init__(self, state: SandboxState) -> None:
        super().__init__(state)
        self._catalogue = Catalogue(state)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/search.json", self.endpoint(self._search)),
            Route("/isbn/{isbn}.json", self.endpoint(self._isbn, latency=RECORD)),
            Route("/books/{key}.json", self.endpoint(self._book, latency=RECORD)),
            Route("/works/{key}.json", self.endpoint(self._work, latency=RECORD)),
            Route("/authors/{key}.json", self.endpoint(self._author, latency=RECORD)),
            Route("/api/books", self.endpoint(self._api)),
        ]

    def client(self, request: Request) -> str:
        return request.headers.get("user-agent", "")

    def rate(self, request: Request) -> float:
        known = CONTACT.search(self.client(request))
        return self.state.settings.rate(self.name) * (1 if known else ANONYMOUS_RATE_FACTOR)

    def stranger(self, request: Request) -> Response | None:
        agent = self.client(request)
        if CONTACT.search(agent) or agent.startswith(COMMON_AGENTS):
            return None
        return HTMLResponse(FORBIDDEN, 403)

    def too_fast(self, request: Request, wait: float) -> Response:  # noqa: ARG002 # gives no hint when to return
        message = "Too Many Requests. Consider using https://openlibrary.org/developers/dumps."
        return JSONResponse({"status": 429, "message": message}, 429)

    def exhausted(self, request: Request) -> Response:
        return self.too_fast(request, 0.0)

    def faults(self) -> Mapping[str, Strike]:
        return {
            "ol_403_ua": instead(lambda _: HTMLResponse(FORBIDDEN, 403)),
            "ol_429": instead(lambda request: self.too_fast(request, 1.0)),
            "ol_503": instead(lambda _: HTMLResponse(UNAVAILABLE, 503)),
        }

    async def _search(self, request: Request) -> Response:
        asked = request.query_params
        limit = min(_integer(asked.get("limit"), DEFAULT_LIMIT), MAX_LIMIT)
        start = _integer(asked.get("offset"), (max(_integer(asked.get("page"), 1), 1) - 1) * limit)
        rng = self.draw(request, "ranking")
        found = self._found(asked.get("q", ""), asked.get("title", ""), asked.get("author", ""), start + limit, rng)
        fields = (asked.get("fields") or ",".join(DEFAULT_FIELDS)).split(",")
        docs = [self._catalogue.doc(edition, fields, rng) for edition in found[start : start + limit]]
        counts = {"numFound": len(found), "num_found": len(found), "start": start, "numFoundExact": True}
        return JSONResponse(counts | {"q": asked.get("q", ""), "offset": None, "docs": docs})

    def _found(self, q: str, title: str, author: str, limit: int, rng: Random) -> list[Edition]:
        """The best-matching edition of every work found, best first, rarely one of them twice.

        Every word must be there, but for a subtitle: no typo is forgiven.
        """
        isbns = _isbns(q)
        if isbns:
            editions = [edition for isbn in isbns if (edition := self.state.edition(isbn))]
        else:
            phrases = dict(re.findall(r'\b(title|author):\(?"?([^":()]*?)"?\)?(?=\s+(?:AND\s+)?\w+:|$)', q))
            title, author = title or phrases.get("title", ""), author or phrases.get("author", "")
            query = Query.of(title=title, author=author, anywhere="" if phrases else q, shorter=True)
            editions = self.state.hits(query, limit * EDITIONS_PER_WORK, rng) + self.state.index.known_as(query)
        works: dict[str, Edition] = {}
        for edition in editions:
            works.setdefault(self._catalogue.work_key(edition), edition)
        held = [edition for edition in works.values() if self._catalogue.holds(edition)]
        return held[:1] + held if held and rng.random() < 0.02 else held

    async def _isbn(self, request: Request) -> Response:
        isbn = Isbn13.read(request.path_params["isbn"])
        edition = self.state.edition(isbn) if isbn else None
        if edition is None or not self._catalogue.holds(edition):
            return JSONResponse({"error": "notfound", "key": f"/isbn/{request.path_params['isbn']}"}, 404)
        prefix = request.scope.get("root_path", "")
        return RedirectResponse(f"{prefix}{self._catalogue.edition_key(edition)}.json", 302)

    async def _book(self, request: Request) -> Response:
        key = f"/books/{request.path_params['key']}"
        edition = self._catalogue.edition_of(key)
        return JSONResponse(self._catalogue.book(edition)) if edition else _not_found(key)

    async def _work(self, request: Request) -> Response:
        key = f"/works/{request.path_params['key']}"
        edition = self._catalogue.face_of(key)
        return JSONResponse(self._catalogue.work(edition)) if edition else _not_found(key)

    async def _author(self, request: Request) -> Response:
        key = f"/authors/{request.path_params['key']}"
        name = self._catalogue.author_of(key)
        return JSONResponse({"key": key, "name": name, "type": {"key": "/type/author"}}) if name else _not_found(key)

    async def _api(self, request: Request) -> Response:
        asked = request.query_params
        answer = {}
        for bibkey in filter(None, asked.get("bibkeys", "").split(",")):
            isbn = Isbn13.read(bibkey.removeprefix("ISBN:"))
            edition = self.state.edition(isbn) if isbn else None
            if edition and self._catalogue.holds(edition):
                answer[bibkey] = self._catalogue.api(edition, bibkey, asked.get("jscmd", "viewapi"))
        if asked.get("format") == "json":
            return JSONResponse(answer)
        return Response(f"var _OLBookInfo = {json.dumps(answer)};", media_type="text/javascript")


def _isbns(q: str) -> list[Isbn13]:
    """The ISBNs of `isbn:1`, `isbn:(1 OR 2)` or a bare one; [] for any other query."""
    found = re.fullmatch(r"isbn:\(?([\dXx\- OR]+)\)?|([\d-]{9,16}[\dXx])", q.strip())
    texts = re.split(r"\s+OR\s+", found[1] or found[2]) if found else []
    return [isbn for text in texts if (isbn := Isbn13.read(text))]


def _integer(text: str | None, usual: int) -> int:
    return int(text) if text and text.isdecimal() else usual


def _not_found(key: str) -> Response:
    return JSONResponse({"error": "notfound", "key": key}, 404)
