"""Serves Wikidata's query service: it does not read SPARQL, but knows two queries."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from alexandria.sandbox.corpus import words
from alexandria.sandbox.fault_responses import Proper, Strike, instead
from alexandria.sandbox.provider import CONTACT, Latency, ProviderSandbox
from alexandria.sandbox.search import Query
from alexandria.sandbox.state import SandboxState
from alexandria.sandbox.wikidata_items import Items, Row, WikidataItem

TEXT = r'"((?:[^"\\]|\\.)*)"'
SEARCHED = re.compile(rf"mwapi:search\s+{TEXT}")
NAMED = re.compile(rf"CONTAINS\s*\(\s*LCASE\s*\((?:STR\s*\()?\s*\?\w+\s*\)+\s*,\s*{TEXT}", re.IGNORECASE)
BETWEEN = re.compile(r'"(\d{4}-\d\d-\d\d)T00:00:00Z"\^\^xsd:dateTime')
AT_LEAST = re.compile(r"\?sitelinks\s*>=\s*(\d+)")
SELECTED = re.compile(r"\bSELECT\s+(?:DISTINCT\s+)?((?:\?\w+\s+)+)WHERE\b", re.IGNORECASE)
LIMIT = re.compile(r"\bLIMIT\s+(\d+)\s*$", re.IGNORECASE)
SEARCH_LIMIT = re.compile(r'mwapi:limit\s+"(\d+)"')
LABELS = re.compile(r"\brdfs:label\S*\s+\?known\b")
MAX_ITEMS = 50  # items of one search
JSON = "application/sparql-results+json"
XML = '<?xml version="1.0"?><sparql xmlns="http://www.w3.org/2005/sparql-results#"><head/><results/></sparql>'
TRACE = (
    "java.util.concurrent.TimeoutException\n\tat java.base/java.util.concurrent.FutureTask.get(FutureTask.java:204)\n"
)


class WikidataSandbox(ProviderSandbox):
    name: ClassVar[str] = "wikidata"
    latency: ClassVar[Latency] = Latency(1.2, 0.8)
    coverage: ClassVar[float] = 0.3

    def __init__(self, state: SandboxState) -> None:
        super().__init__(state)
        self._items = Items(state)

    def routes(self) -> list[BaseRoute]:
        return [Route("/sparql", self.endpoint(self._query), methods=["GET", "POST"])]

    def client(self, request: Request) -> str:
        return request.headers.get("user-agent", "")

    def stranger(self, request: Request) -> Response | None:
        if CONTACT.search(self.client(request)):
            return None
        return PlainTextResponse("Please set a User-Agent that says whom to write to: https://w.wiki/4wJS", 403)

    def too_fast(self, request: Request, wait: float) -> Response:  # noqa: ARG002 # the same for every request
        seconds = math.ceil(wait)
        page = f"<html><body><h1>Too Many Requests</h1><p>Please retry in {seconds} seconds.</p></body></html>"
        return HTMLResponse(page, 429, {"retry-after": str(seconds)})

    def exhausted(self, request: Request) -> Response:
        return self.too_fast(request, 60.0)

    def faults(self) -> Mapping[str, Strike]:
        return {
            "wdqs_timeout_500": instead(lambda _: timed_out()),
            "wdqs_truncated_200": _truncated,
            "wdqs_429": instead(lambda request: self.too_fast(request, 0.0)),
            "wdqs_ban_403": instead(self._banned),
        }

    def _banned(self, _: Request) -> Response:
        until = (self.state.clock.now() + timedelta(days=1)).isoformat(timespec="seconds")
        return PlainTextResponse(f"You have been banned until {until}, please respect the limits.", 403)

    async def _query(self, request: Request) -> Response:
        query = await _asked(request)
        selected = SELECTED.search(query)
        if selected is None or query.count("{") != query.count("}") or query.count('"') % 2:
            return PlainTextResponse("SPARQL-QUERY: queryStr=\norg.openrdf.query.MalformedQueryException\n", 400)
        rows = self._rows(query)
        if rows is None:
            return timed_out()
        if "json" not in request.headers.get("accept", "") + request.query_params.get("format", ""):
            return Response(XML, media_type="application/sparql-results+xml")
        answer = _answer(selected[1].replace("?", "").split(), rows, LIMIT.search(query))
        return Response(answer, media_type=JSON, headers={"cache-control": "public, max-age=300"})

    def _rows(self, query: str) -> Iterable[Row] | None:
        """None for what would have to look at every item there is."""
        searched, named, bounds = SEARCHED.search(query), NAMED.search(query), BETWEEN.findall(query)
        if searched and named:
            limit = SEARCH_LIMIT.search(query)
            rows = self._editions(searched[1], named[1], int(limit[1]) if limit else MAX_ITEMS)
            return rows if LABELS.search(query) else (row for row in rows if "item" in row)
        if len(bounds) == 2:
            sitelinks = AT_LEAST.search(query)
            return self._published(bounds[0], bounds[1], int(sitelinks[1]) if sitelinks else 0)
        return None

    def _editions(self, title: str, family: str, limit: int) -> Iterable[Row]:
        """Rows of the items one of whose labels begins with `title` and whose author has `family` in the name."""
        asked = words(title)
        query = Query.of(title=title, every=True)
        hits = self.state.hits(query, 4 * MAX_ITEMS, self.state.draw(self.name, title))
        found: dict[int, WikidataItem] = {}
        for edition in [*hits, *self.state.index.known_as(query)]:
            item = self._items.of(edition)
            if item and any(words(label)[: len(asked)] == asked for label in (item.title, *item.labels)):
                found.setdefault(item.number, item)
        for item in list(found.values())[:limit]:
            if any(family in name.lower() or family in words(name) for name in item.authors):
                yield from self._items.edition_rows(item)
                yield from self._items.label_rows(item)

    def _published(self, start: str, end: str, sitelinks: int) -> Iterable[Row]:
        """Rows of the works first published from the day `start` to before `end`, the most widely known first."""
        items = [item for item in self._items.dated(start, end) if item.sitelinks >= sitelinks]
        for item in sorted(items, key=lambda item: (-item.sitelinks, item.number)):
            yield from self._items.work_rows(item)


async def _asked(request: Request) -> str:
    """The query, by GET, as a form, or as a body of its own."""
    if request.method == "GET":
        return request.query_params.get("query", "")
    body = (await request.body()).decode(errors="replace")
    if request.headers.get("content-type", "").startswith("application/sparql-query"):
        return body
    return "".join(parse_qs(body).get("query", []))


def _answer(names: Sequence[str], rows: Iterable[Row], limit: re.Match[str] | None) -> str:
    """Each row as far as it was asked for, once."""
    projected: dict[str, dict[str, Any]] = {}
    for row in rows:
        binding = {name: row[name] for name in names if name in row}
        projected.setdefault(json.dumps(binding), binding)
    bindings = list(projected.values())[: int(limit[1]) if limit else None]
    return json.dumps({"head": {"vars": list(names)}, "results": {"bindings": bindings}}, ensure_ascii=False, indent=2)


async def _truncated(_: Request, proper: Proper) -> Response:
    """An answer that breaks off where the time was up."""
    response = await proper()
    begun = bytes(response.body)[: 2 * len(response.body) // 3].decode(errors="ignore")
    return Response(f"{begun}\nSPARQL-QUERY: {TRACE}", response.status_code, media_type=response.media_type)


def timed_out() -> Response:
    return PlainTextResponse(f"SPARQL-QUERY: queryStr=\n{TRACE}", 500)
