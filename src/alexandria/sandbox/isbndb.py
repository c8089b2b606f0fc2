"""Serves ISBNdb v2: one record per edition, fields that vary in type, containers that vary by endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from alexandria.catalogue.languages import ENGLISH_NAMES
from alexandria.catalogue.models import Isbn13
from alexandria.core.month import NAMES
from alexandria.core.provider_facts import PROVIDERS
from alexandria.sandbox.corpus import Edition
from alexandria.sandbox.fault_responses import Strike, changed, instead
from alexandria.sandbox.provider import Latency, ProviderSandbox, free
from alexandria.sandbox.search import Query

MAX_QUERY_LENGTH = 150  # characters
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 1000  # records
MAX_BULK_SIZE = 1000  # ISBNs of one POST
BASIC_LIMIT = 1000  # units a day of the plan Basic
BULKY, LIGHT = Latency(1.2, 0.5), Latency(0.12, 0.3)


class ISBNdbSandbox(ProviderSandbox):
    name: ClassVar[str] = "isbndb"
    latency: ClassVar[Latency] = Latency(0.35, 0.5)
    coverage: ClassVar[float] = 0.985
    usual_rate: ClassVar[float | None] = 3.0  # of the plan with 15,000 units a day

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/book/{isbn}", self.endpoint(self._book)),
            Route("/books", self.endpoint(self._bulk, _isbns_asked, BULKY), methods=["POST"]),
            Route("/books/{query:path}", self.endpoint(self._books)),
            Route("/search/books", self.endpoint(self._search)),
            Route("/author/{name:path}", self.endpoint(self._author)),
            Route("/key", self.endpoint(self._key, free, LIGHT)),
            Route("/stats", self.endpoint(self._stats)),
        ]

    def client(self, request: Request) -> str:
        return request.headers.get("authorization", "")

    def stranger(self, request: Request) -> Response | None:
        if self.client(request) == self.state.settings.key(self.name):
            return None
        return _stranger()

    def too_fast(self, request: Request, wait: float) -> Response:  # noqa: ARG002 # gives no hint when to return
        return JSONResponse({"message": "Limit Exceeded"}, 429)

    def exhausted(self, request: Request) -> Response:  # noqa: ARG002 # the same for every request
        return JSONResponse({"message": "Daily quota exceeded, please try again later"}, 429)

    def headers(self, request: Request) -> dict[str, str]:
        size, seconds = self.pace(request).policy
        left = max((self.daily_limit or 0) - self.spent(request), 0)
        policy = f'"pace";q={size};w={seconds:g}, "daily";q={self.daily_limit};w=86400'
        return {"ratelimit-policy": policy, "ratelimit": f'"daily";r={left}'}

    def faults(self) -> Mapping[str, Strike]:
        return {
            "429_daily": instead(self.exhausted),
            "isbndb_401": instead(lambda _: _stranger()),
            "isbndb_403_wrong_host": instead(lambda _: JSONResponse({"message": "Access denied for this host"}, 403)),
            "isbndb_404_then_200": instead(lambda _: _not_found()),
            "isbndb_books_vs_data_key": changed(_other_container),
            "isbndb_basic_plan": changed(_basic_plan),
        }

    def holds(self, edition: Edition) -> bool:
        return self.state.holds(self.name, edition.isbn13)

    async def _book(self, request: Request) -> Response:
        isbn = Isbn13.read(request.path_params["isbn"])
        edition = self.state.edition(isbn) if isbn else None
        return JSONResponse({"book": self._record(edition)}) if edition and self.holds(edition) else _not_found()

    async def _bulk(self, request: Request) -> Response:
        try:
            isbns = await _isbns(request)
        except (ValueError, TypeError, AttributeError):
            return _bad_request("Request body must hold isbns")
        if len(isbns) > MAX_BULK_SIZE:
            return _bad_request(f"Maximum of {MAX_BULK_SIZE} ISBNs exceeded")
        read = [isbn for text in isbns if (isbn := Isbn13.read(text))]
        known = [edition for isbn in read if (edition := self.state.edition(isbn)) and self.holds(edition)]
        return JSONResponse({"total": len(known), "requested": len(isbns), "data": [self._record(e) for e in known]})

    async def _books(self, request: Request) -> Response:
        text = request.path_params["query"]
        if len(text) > MAX_QUERY_LENGTH:
            return _bad_request(f"Query longer than {MAX_QUERY_LENGTH} characters")
        every = request.query_params.get("shouldMatchAll") == "1"
        field = {"title": "title", "author": "author"}.get(request.query_params.get("column", ""), "anywhere")
        rng = self.draw(request, "ranking")
        records, total = self._page(request, Query.of(every=every, **{field: text}), rng)
        if not records:
            return rng.choice(
                (_not_found(), JSONResponse({"subject": "", "books": []}), JSONResponse({"total": 0, "books": []}))
            )
        if rng.random() < 0.1:
            return JSONResponse({"total": total, "data": records, "requested": len(records)})
        return JSONResponse({"total": total, "books": records})

    async def _search(self, request: Request) -> Response:
        asked = request.query_params
        isbn = Isbn13.read(asked.get("isbn13") or asked.get("isbn") or "")
        if isbn:
            edition = self.state.edition(isbn)
            records = [self._record(edition)] if edition and self.holds(edition) else []
            return JSONResponse({"total": len(records), "data": records})
        query = Query.of(author=asked.get("author", ""), anywhere=asked.get("text", ""), every=True)
        records, total = self._page(request, query, self.draw(request, "ranking"))
        return JSONResponse({"total": total, "data": records})

    async def _author(self, request: Request) -> Response:
        name = request.path_params["name"]
        records, _ = self._page(request, Query.of(author=name, every=True), self.draw(request, "ranking"))
        return JSONResponse({"author": quote(name), "books": records}) if records else _not_found()

    async def _key(self, request: Request) -> Response:
        total, spent = self.daily_limit, self.spent(request)
        plan = {"total": total, "spent": spent, "left": None if total is None else total - spent}
        answer = {"api_host": _plan_host(self.rate(request)), "plan_limit": plan, "plan_name": "Sandbox"}
        return JSONResponse(answer | {"bulk_limit": MAX_BULK_SIZE})

    async def _stats(self, _: Request) -> Response:
        corpus = self.state.corpus
        authors = {name for edition in corpus.editions for name in edition.authors}
        publishers = {edition.publisher for edition in corpus.editions if edition.publisher}
        counts = {"books": len(corpus.editions), "authors": len(authors), "publishers": len(publishers)}
        return JSONResponse(counts | {"subjects": 0})

    def _page(self, request: Request, query: Query, rng: Random) -> tuple[list[dict[str, Any]], int]:
        """The records of the page asked for, now and then one of them twice, and how many there are in all."""
        page = max(_integer(request, "page", 1), 1)
        size = min(max(_integer(request, "pageSize", DEFAULT_PAGE_SIZE), 1), MAX_PAGE_SIZE)
        found = [
            edition for edition in self.state.hits(query, page * size + DEFAULT_PAGE_SIZE, rng) if self.holds(edition)
        ]
        wanted = [edition for edition in found if _within(edition, request)]
        records = [self._record(edition) for edition in wanted[(page - 1) * size : page * size]]
        if records and rng.random() < 0.03:
            records.insert(rng.randint(1, len(records)), records[0] | {"isbn10": records[0].get("isbn10", "").lower()})
        return records[:size], len(wanted)

    def _record(self, edition: Edition) -> dict[str, Any]:
        """One edition as ISBNdb holds it: the same at every endpoint, complete at few."""
        rng = self.state.draw(self.name, "record", edition.isbn13)
        record: dict[str, Any] = {"title": _title(edition, rng), "title_long": _title_long(edition, rng)}
        record |= _isbns_of(edition, rng) | _authors(edition, rng) | _published(edition, rng) | _about(edition, rng)
        record |= _of_choice(rng, "publisher", [edition.publisher] * 12 + ["", None])
        record |= _of_choice(rng, "pages", [edition.pages] * 6 + [[], None])
        record |= _of_choice(rng, "binding", [edition.binding] * 12 + ["", None])
        record |= _of_choice(rng, "msrp", ["0.00", "20", "17.95", 9.99, 24.95, 0, None, None])
        record |= _of_choice(rng, "edition", ["1st", "", None, None])
        record |= _of_choice(rng, "dewey_decimal", ["813.54", ["813.54"], "", None, None])
        record |= (
            {"related": [], "dimensions_structured": [], "prices": [], "reviews": []} if rng.random() < 0.4 else {}
        )
        return record


def _basic_plan(answer: Any) -> Any:
    """What /key answers for the smallest plan that is sold: 1,000 units a day, on the host of all plans."""
    if "plan_limit" not in answer:
        return answer
    spent = answer["plan_limit"]["spent"]
    plan = {"total": BASIC_LIMIT, "spent": spent, "left": max(BASIC_LIMIT - spent, 0)}
    return answer | {"api_host": _plan_host(0), "plan_limit": plan, "plan_name": "Basic", "bulk_limit": 10}


def _plan_host(rate: float) -> str:
    """The host of the smallest plan with that rate, or of the largest."""
    hosts = sorted(PROVIDERS["isbndb"].plan_rates.items(), key=lambda host: host[1])
    return next((host for host, allowed in hosts if allowed >= rate), hosts[-1][0])


def _title(edition: Edition, rng: Random) -> str:
    kind = rng.random()
    if kind < 0.08 and edition.series:
        return f"{edition.title} ({edition.series})"
    if kind < 0.14 and edition.subtitle:
        return f"{edition.title}: {edition.subtitle}"
    return edition.title.capitalize() if kind > 0.97 else edition.title


def _title_long(edition: Edition, rng: Random) -> str:
    kind = rng.random()
    if kind < 0.05:
        return edition.title.lower().replace(" ", rng.choice("-_"))
    if edition.subtitle and kind < 0.8:
        return f"{edition.title}: {edition.subtitle}"
    return f"{edition.title} ({edition.series})" if edition.series and kind < 0.5 else edition.title


def _isbns_of(edition: Edition, rng: Random) -> dict[str, Any]:
    """`isbn` mostly repeats the 13; older records hold the 10 there."""
    isbns = {"isbn13": edition.isbn13, "isbn": edition.isbn13}
    if edition.isbn10:
        ten = edition.isbn10.lower() if rng.random() < 0.4 else edition.isbn10
        isbns |= {"isbn": ten} if rng.random() < 0.2 else {"isbn10": ten}
    return isbns


def _authors(edition: Edition, rng: Random) -> dict[str, Any]:
    kind = rng.random()
    if kind < 0.012:
        return {}
    names = [_inverted(name, rng) if 0.05 < kind < 0.4 else name for name in edition.authors]
    if kind < 0.02 and names and " " in names[0]:
        return {"authors": names[0].rsplit(" ", 1)[::-1]}
    if kind > 0.97 and len(names) > 1:
        return {"authors": [" & ".join(names)]}
    if kind > 0.95 and names:
        names[0] += rng.choice((".", " (author)", " ~autofilled~"))
    return {"authors": names}


def _inverted(name: str, rng: Random) -> str:
    """Surname first, as library records have it."""
    *given, family = name.split()
    return f"{family},{' ' * rng.randint(1, 2)}{' '.join(given)}" if given else name


def _published(edition: Edition, rng: Random) -> dict[str, Any]:
    """The date in one of the formats seen, at most as precise as the file knows it."""
    full, kind = edition.published, rng.random()
    year, month = full[:4], full[5:7]
    if not full or kind < 0.03:
        return {} if kind < 0.01 else {"date_published": ""}
    if month and kind < 0.1:
        return {"date_published": f"{NAMES[int(month) - 1]} {year}"}
    if len(full) == 10 and kind < 0.13:
        return {"date_published": f"{full}T00:00:00.000Z"}
    if kind > 0.98:
        return {"date_published": int(year)}
    return {"date_published": year if kind > 0.8 else full, "publish_date": "" if kind > 0.6 else full}


def _about(edition: Edition, rng: Random) -> dict[str, Any]:
    """Language, subjects, picture and a description, each under the names and in the forms seen."""
    code = edition.language or "en"
    about = _of_choice(
        rng, "language", [code] * 5 + [ENGLISH_NAMES.get(code, code), "eng" if code == "en" else code, "", None]
    )
    about |= _of_choice(
        rng, "subjects", [["Fiction"], ["Fiction", "Self Service"], ["Books &amp; Reading"], None, None]
    )
    picture = f"Https://images.isbndb.com/covers/{edition.isbn13[-5:-3]}/{edition.isbn13[-3:-1]}/{edition.isbn13}.jpg"
    about |= _of_choice(rng, "image", [picture, picture, picture, None])
    written = f"<p><b>{edition.title}</b><br/>{', '.join(edition.authors)}</p>"
    return about | _of_choice(rng, rng.choice(("synopsis", "synopsys", "overview")), [written, None, None])


def _of_choice(rng: Random, name: str, values: list[Any]) -> dict[str, Any]:
    """One of `values` under `name`; nothing at all if that is None."""
    value = rng.choice(values)
    return {} if value is None else {name: value}


def _within(edition: Edition, request: Request) -> bool:
    """Whether an edition passes the filters of date and language."""
    asked, published = request.query_params, edition.published
    since, until = asked.get("publishedFrom", ""), asked.get("publishedTo", "")
    language = asked.get("language", "")[:2]
    return (
        (not since or published >= since)
        and (not until or (bool(published) and published[: len(until)] <= until))
        and published.startswith(asked.get("year", ""))
        and (not language or edition.language in ("", language))
    )


async def _isbns_asked(request: Request) -> int:
    """The price of a bulk request: one unit an ISBN; a body that cannot be read costs one."""
    try:
        return max(len(await _isbns(request)), 1)
    except (ValueError, TypeError, AttributeError):
        return 1


async def _isbns(request: Request) -> list[str]:
    """The ISBNs of a bulk body, JSON or form."""
    text = (await request.body()).decode()
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return ",".join(value for values in parse_qs(text).values() for value in values).split(",")
    return [str(isbn) for isbn in json.loads(text).get("isbns", [])]


def _integer(request: Request, name: str, usual: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() else usual


def _other_container(answer: dict[str, Any]) -> dict[str, Any]:
    """A list under "data" moves to "books", and the other way round."""
    names = {"books": "data", "data": "books"}
    return {names.get(name, name): value for name, value in answer.items()}


def _stranger() -> Response:
    return JSONResponse({"message": "Full authentication is required to access this resource"}, 401)


def _not_found() -> Response:
    return JSONResponse({"errorMessage": "Not Found"}, 404)


def _bad_request(message: str) -> Response:
    return JSONResponse({"message": message, "error_message": message}, 400)
