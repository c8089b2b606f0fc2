"""Serves the Internet Archive: Lucene queries over scanned items; a query it cannot read gets an HTML page."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from alexandria.catalogue.models import Isbn13
from alexandria.sandbox.corpus import Edition
from alexandria.sandbox.fault_responses import Strike, changed, instead
from alexandria.sandbox.internet_archive_items import Shelf
from alexandria.sandbox.provider import Latency, ProviderSandbox
from alexandria.sandbox.search import Query
from alexandria.sandbox.state import SandboxState

DEFAULT_ROWS, MAX_ROWS = 50, 10_000
RECORD = Latency(0.4, 0.6)
VALUE = r'\([^()]*\)|"[^"]*"|\[[^\]]*\]|[^\s()"\[\]:]+'
CLAUSE = re.compile(rf"\s*(?:(?:AND|OR)\s+)?(NOT\s+|-)?\+?(?:(\w+):)?({VALUE})\s*")
OPERATORS = re.compile(r"\b(?:AND|OR|NOT)\b")
PAGE = '<!DOCTYPE html>\n<html lang="en"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n'


class InternetArchiveSandbox(ProviderSandbox):
    name: ClassVar[str] = "internet_archive"
    latency: ClassVar[Latency] = Latency(0.9, 0.7)
    coverage: ClassVar[float] = 0.45

    def __init__(self, state: SandboxState) -> None:
        super().__init__(state)
        self._shelf = Shelf(state)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/advancedsearch.php", self.endpoint(self._search)),
            Route("/metadata/{identifier}", self.endpoint(self._metadata, latency=RECORD)),
        ]

    def client(self, request: Request) -> str:
        return request.headers.get("user-agent", "")

    def stranger(self, request: Request) -> None:
        """Admit every client."""

    def too_fast(self, request: Request, wait: float) -> Response:  # noqa: ARG002 # the same for every request
        page = PAGE.format(title="429 Too Many Requests")
        return HTMLResponse(page, 429, {"retry-after": str(math.ceil(wait))})

    def exhausted(self, request: Request) -> Response:
        return self.too_fast(request, 60.0)

    def faults(self) -> Mapping[str, Strike]:
        return {
            "ia_scalar_fields": changed(_scalars),
            "ia_html_200": instead(lambda _: search_page()),
            "ia_empty_metadata": instead(lambda _: JSONResponse({})),
        }

    async def _search(self, request: Request) -> Response:
        asked = request.query_params
        clauses = read_query(asked.get("q", ""))
        if clauses is None or asked.get("output") != "json":
            return search_page()
        rows = min(_number(asked.get("rows"), DEFAULT_ROWS), MAX_ROWS)
        start = _number(asked.get("start"), (max(_number(asked.get("page"), 1), 1) - 1) * rows)
        rng = self.draw(request, "ranking")
        docs = [self._shelf.doc(edition) for edition in self._found(clauses, start + rows, rng)]
        if "mediatype" not in clauses:
            docs = self._shelf.with_other_media(docs, rng)
        wanted = {name for listed in asked.getlist("fl[]") + asked.getlist("fl") for name in listed.split(",")}
        page = [{k: v for k, v in doc.items() if not wanted or k in wanted} for doc in docs[start : start + rows]]
        header = {"status": 0, "QTime": rng.randint(4, 90), "params": {"query": asked["q"], "rows": str(rows)}}
        found = {"numFound": len(docs), "start": start, "docs": page}
        return JSONResponse({"responseHeader": header, "response": found})

    def _found(self, clauses: Mapping[str, str], limit: int, rng: Random) -> list[Edition]:
        """Items with every word asked for, spelt so."""
        if clauses.get("mediatype", "texts") != "texts":
            return []
        if "isbn" in clauses:
            isbns = [isbn for text in clauses["isbn"].split() if (isbn := Isbn13.read(text))]
            found = [e for isbn in isbns if (e := self.state.edition(isbn)) and self._shelf.tells_isbn(e)]
        else:
            title, author, anywhere = (clauses.get(field, "") for field in ("title", "creator", ""))
            query = Query.of(title=title, author=author, anywhere=anywhere, every=True)
            found = self.state.hits(query, 3 * limit, rng)
        return [edition for edition in found if self._shelf.holds(edition)]

    async def _metadata(self, request: Request) -> Response:
        """An unknown item is an empty object."""
        edition = self._shelf.edition(request.path_params["identifier"])
        return JSONResponse(self._shelf.metadata(edition) if edition else {})


def read_query(q: str) -> Mapping[str, str] | None:
    """The words of a Lucene query by field, "" for those without; None if it breaks the syntax."""
    rest = re.sub(r"\\.", " ", q).strip()
    found: dict[str, str] = {}
    while rest:
        clause = CLAUSE.match(rest)
        if clause is None or clause.end() == 0:
            return None
        field, value = clause[2] or "", OPERATORS.sub(" ", clause[3]).strip('()[]" ')
        if not value or value.count('"') % 2 or "/" in value:  # a slash begins a pattern
            return None
        if not clause[1]:  # what is not wanted is not in our shelf either
            found[field] = f"{found.get(field, '')} {value}".strip()
        rest = rest[clause.end() :]
    return found or None


def search_page() -> Response:
    """Return the HTML page that a person would see; it is not marked as an error."""
    return HTMLResponse(PAGE.format(title="Internet Archive Search"))


def _scalars(answer: dict[str, Any]) -> dict[str, Any]:
    """Of every field of every item the first value."""
    docs = answer.get("response", {}).get("docs", [])
    for doc in docs:
        doc.update({name: value[0] for name, value in doc.items() if isinstance(value, list) and value})
    return answer


def _number(text: str | None, usual: int) -> int:
    return int(text) if text and text.isdecimal() else usual
