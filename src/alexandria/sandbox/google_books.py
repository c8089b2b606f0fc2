"""Serves Google Books: volumes found by keywords, cut down to the requested fields, and nothing without a key."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from alexandria.catalogue.models import Isbn13
from alexandria.sandbox.corpus import Edition, words
from alexandria.sandbox.distractors import is_recording
from alexandria.sandbox.fault_responses import Strike, changed, instead
from alexandria.sandbox.google_books_volumes import isbn_of, tells_isbn, volume
from alexandria.sandbox.provider import Latency, ProviderSandbox
from alexandria.sandbox.search import Query

DEFAULT_RESULTS, MAX_RESULTS = 10, 40
UNRELATED_COUNT = 10  # volumes that answer a query without sense
TERM = re.compile(r'(?:(intitle|inauthor|inpublisher|subject|isbn|lccn|oclc):)?(?:"([^"]*)"?|([^\s"]+)|(?=\s|$))',
                  re.IGNORECASE)  # fmt: skip
FIELD = re.compile(r"[^,()/\s]+|[,()/]")
TYPE = "type.googleapis.com/google.rpc."
RECORD = Latency(0.2, 0.4)

Mask = dict[str, Any]  # fields asked for, each with the mask of its own fields; an empty mask asks for all


class GoogleBooksSandbox(ProviderSandbox):
    name: ClassVar[str] = "google_books"
    latency: ClassVar[Latency] = Latency(0.4, 0.5)
    coverage: ClassVar[float] = 0.8

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/books/v1/volumes", self.endpoint(self._search)),
            Route("/books/v1/volumes/{id}", self.endpoint(self._volume, latency=RECORD)),
        ]

    def client(self, request: Request) -> str:
        return request.headers.get("x-goog-api-key") or request.query_params.get("key", "")

    def stranger(self, request: Request) -> Response | None:
        key = self.client(request)
        if not key:
            return quota_exceeded("PerDay", 0)
        if key != self.state.settings.key(self.name):
            info = {"@type": f"{TYPE}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            message = "API key not valid. Please pass a valid API key."
            return _refusal(400, message, "badRequest", status="INVALID_ARGUMENT", details=[info])
        return None

    def too_fast(self, request: Request, wait: float) -> Response:  # noqa: ARG002 # gives no hint when to return
        return quota_exceeded("PerMinute", int(self.rate(request) * 60))

    def exhausted(self, request: Request) -> Response:  # noqa: ARG002 # the same for every request
        return quota_exceeded("PerDay", self.daily_limit or 0)

    def faults(self) -> Mapping[str, Strike]:
        spent = {"message": "Daily Limit Exceeded", "reason": "dailyLimitExceeded", "domain": "usageLimits"}
        return {
            "429_daily": instead(self.exhausted),
            "gb_no_items": changed(lambda answer: {"kind": answer.get("kind", "books#volumes"), "totalItems": 0}),
            "gb_keyless_429": instead(lambda _: quota_exceeded("PerDay", 0)),
            "gb_503_backend": instead(lambda _: backend_failed()),
            "gb_200_error": instead(lambda _: Response(backend_failed().body, media_type="application/json")),
            "gb_400_daily": instead(lambda _: _refusal(400, **spent)),
            "gb_403_daily": instead(lambda _: _refusal(403, **spent)),
            "gb_403_key_restricted": instead(lambda _: _key_restricted()),
        }

    async def _search(self, request: Request) -> Response:
        asked = request.query_params
        q = asked.get("q", "").replace("+", " ").strip()
        start, size = asked.get("startIndex", "0"), asked.get("maxResults", str(DEFAULT_RESULTS))
        if not q:
            return _refusal(400, "Missing query.", "queryRequired", location="q")
        if not (start.isdecimal() and size.isdecimal() and int(size) <= MAX_RESULTS):
            return _refusal(400, f"Values must be within the range: [0, {MAX_RESULTS}]", "invalidParameter")
        rng = self.draw(request, "ranking")
        language, end = asked.get("langRestrict", "")[:2], int(start) + int(size)
        found = [e for e in self._found(q, end, rng) if language in ("", e.language or "en")]
        answer: dict[str, Any] = {"kind": "books#volumes", "totalItems": len(found)}
        if len(found) > end:
            answer["totalItems"] = rng.randint(end + 1, 40 * end)  # an estimate, and a poor one
        page = [volume(self.state, edition) for edition in found[int(start) : end]]
        return _cut(answer | ({"items": page} if page else {}), request)

    async def _volume(self, request: Request) -> Response:
        """An id that does not exist is answered like a failure within."""
        isbn = isbn_of(request.path_params["id"])
        edition = self.state.edition(isbn) if isbn else None
        if edition is None or not self._holds(edition):
            return backend_failed()
        return _cut(volume(self.state, edition, whole=True), request)

    def _holds(self, edition: Edition) -> bool:
        return not is_recording(edition) and self.state.holds(self.name, self.state.work_id(edition))

    def _found(self, q: str, limit: int, rng: Random) -> list[Edition]:
        """Keywords are lower-case; one in capitals, or one without a word, finds something unrelated."""
        texts = _texts(q)
        if any(keyword.isupper() or not text for keyword, text in texts.items() if keyword):
            return rng.sample(self.state.corpus.editions, UNRELATED_COUNT)
        if "lccn" in texts or "oclc" in texts:
            return []
        if "isbn" in texts:
            isbn = Isbn13.read(texts["isbn"])
            found = [edition] if isbn and (edition := self.state.edition(isbn)) else []
            return [edition for edition in found if self._holds(edition) and tells_isbn(self.state, edition)]
        title, author = texts.get("intitle", ""), texts.get("inauthor", "")
        query = Query.of(title=title, author=author, anywhere=texts.get("", ""), shorter=bool(title or author))
        publisher = set(words(texts.get("inpublisher", "")))
        hits = self.state.hits(query, 2 * limit, rng)
        return [e for e in hits if self._holds(e) and publisher <= set(words(e.publisher))]


def _texts(q: str) -> Mapping[str, str]:
    """The words of a query by the keyword before them, "" for those without."""
    texts: dict[str, list[str]] = defaultdict(list)
    for keyword, phrase, word in TERM.findall(q):
        if keyword or phrase or word:
            texts[keyword].append(phrase or word)
    return {keyword: " ".join(found).strip() for keyword, found in texts.items()}


def quota_exceeded(per: str, value: int) -> Response:
    """The refusal for the quota `per` PerDay or PerMinute, of which this client has `value`."""
    unit = {"PerDay": "1/d/{project}", "PerMinute": "1/min/{project}"}[per]
    place = {"service": "books.googleapis.com", "consumer": "projects/0", "quota_location": "global"}
    quota = {"quota_limit": f"default{per}PerProject", "quota_limit_value": str(value), "quota_unit": unit}
    quota |= place | {"quota_metric": "books.googleapis.com/default"}
    info = {"@type": f"{TYPE}ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com", "metadata": quota}
    message = f"Quota exceeded for quota metric 'Queries' and limit 'Queries {per}' of service 'books.googleapis.com'."
    return _refusal(429, message, "rateLimitExceeded", status="RESOURCE_EXHAUSTED", details=[info])


def backend_failed() -> Response:
    """Return what Google Books answers to an internal failure: an error without a status in words."""
    return _refusal(503, "Service temporarily unavailable.", "backendFailed")


def _refusal(
    code: int, message: str, reason: str, *, domain: str = "global", location: str = "", **more: Any
) -> Response:
    cause = {"message": message, "domain": domain, "reason": reason}
    cause |= {"location": location, "locationType": "parameter"} if location else {}
    return JSONResponse({"error": {"code": code, "message": message, "errors": [cause], **more}}, code)


def _cut(answer: dict[str, Any], request: Request) -> Response:
    """Return `answer` reduced to the requested fields."""
    selection = request.query_params.get("fields", "")
    mask: Mask = {}
    if not _read_mask(FIELD.findall(selection), mask):
        return _refusal(400, f"Invalid field selection {selection}", "invalidParameter", location="fields")
    return JSONResponse(_masked(answer, mask))


def _read_mask(tokens: list[str], mask: Mask) -> bool:
    """Reads `kind,items(id,volumeInfo/title)` into `mask`; False if the brackets do not match."""
    open_masks, inner, previous = [mask], mask, ""
    for token in tokens:
        match token:
            case "(":
                open_masks.append(inner)
            case ")" if len(open_masks) > 1:
                open_masks.pop()
            case ")":
                return False
            case "," | "/":
                pass
            case name:
                outer = inner if previous == "/" else open_masks[-1]
                inner = outer.setdefault(name, {})
        previous = token
    return len(open_masks) == 1


def _key_restricted() -> Response:
    """The refusal of a key that is restricted to websites: only the detail's reason names the restriction."""
    place = {"service": "books.googleapis.com"}
    info = {"@type": f"{TYPE}ErrorInfo", "domain": "googleapis.com", "metadata": place}
    info["reason"] = "API_KEY_HTTP_REFERRER_BLOCKED"
    sentence = "Requests from referer <empty> are blocked."
    return _refusal(403, sentence, "forbidden", status="PERMISSION_DENIED", details=[info])


def _masked(value: Any, mask: Mask) -> Any:
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [_masked(one, mask) for one in value]
    return {name: _masked(one, mask[name]) for name, one in value.items() if name in mask}
