"""Reads how long a provider asks us to wait, from the headers and the body of its refusal; never longer than a day."""

from __future__ import annotations

import calendar
import email.utils
import itertools
import json
import math
import re
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2

from alexandria.providers.json_bodies import json_in

MAX_HINT_SECONDS = 86400.0  # longer hints are cut to this: a clock or a unit was wrong
MAX_HINT_TEXT = 16_384  # characters of a body in which a hint is searched
MAX_DATE_LENGTH = 64  # characters; longer values are no date
MAX_BODY_BYTES = 2**18  # bytes of a refusal that is read as JSON
MAX_NODES = 500  # values of a JSON body that are visited
MIN_EPOCH_SECONDS, MAX_EPOCH_SECONDS = 1e9, 1e11  # a number between them is an instant, not a duration
MAX_EPOCH_NUMBER = 1e20  # larger numbers are not an instant in any unit down to nanoseconds

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
PIECE = re.compile(
    r"[\s,]*(?:and\s+)?(\d{1,12}(?:\.\d{1,12})?)\s?"
    r"(ns|nanoseconds?|us|µs|microseconds?|ms|millis|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?"
    r"|d|days?)(?![^\W\d_])",
    re.IGNORECASE,
)
UNIT_SECONDS = {"n": 1e-9, "u": 1e-6, "µ": 1e-6, "mic": 1e-6, "ms": 1e-3, "mil": 1e-3,
                "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}  # fmt: skip
ISO_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(\.\d{1,9})?\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)?", re.IGNORECASE | re.ASCII
)
FAR_YEAR = re.compile(r"\b\d{5,}\b", re.ASCII)  # no calendar has it
IN_WORDS = re.compile(
    r"\b(?:again|retry(?:[ _-]?after)?|retrying|wait(?:ing)?|resets?|available|cool[ -]?down|back[ -]?off)\b"
    r"(?: \(?(?:later|in|after|for|at|on|until|at least|about|approximately|around|another))* ?[:=~]?[ \"'(]*"
    r"(?P<value>\d[^;<>{}]{0,60})",
    re.IGNORECASE,
)
# With other words between, it takes a unit of time to be a hint.
IN_MORE_WORDS = re.compile(
    r"\b(?:retry|try|requests? (?:is |are |will be )?(?:allowed|possible))\b[^.;\d]{1,40}\b(?:in|after) (?P<value>\d[^;<>{}]{0,60})",
    re.IGNORECASE,
)
NUMBER_WORDS = {
    "a": "1", "an": "1", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "fifteen": "15", "twenty": "20", "thirty": "30", "sixty": "60",
}  # fmt: skip
WRITTEN_NUMBER = re.compile(rf"\b({'|'.join(NUMBER_WORDS)})(?= (?:seconds?|minutes?|hours?|days?)\b)", re.IGNORECASE)
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))", re.ASCII)
CLOCK = re.compile(r"(?:(\d{1,4})\.)?(\d{1,3}):([0-5]\d):([0-5]\d)(?:\.\d{1,9})?", re.ASCII)  # of .NET: 1.02:21:45
IN_CLOCK = re.compile(rf"\b(?:in|after) (?P<value>{CLOCK.pattern})(?![\d:])", re.ASCII)
ISO_DURATION = re.compile(r"P(?:(\d{1,9})D)?T?(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.\d{1,9})?S)?", re.ASCII)
BARE_SECONDS = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)(?=[.,;)\]\"']?(?:\s|$))", re.ASCII)
POLICY_RESET = re.compile(r"(?:\bt|reset)=(\d+)", re.ASCII)
POLICY_LEFT = re.compile(r"(?:\br|remaining)=(\d+)", re.ASCII)
SECONDS_KEYS = {"retrydelay", "retryafter", "retryafterseconds", "retryaftersec", "retryin", "retryinseconds",
                "waitseconds", "resetin", "resetinseconds", "resetsin", "resetsinseconds", "resetafter", "resetat", "resetsat", "resettime", "estimatedtime"}  # fmt: skip
MILLISECONDS_KEYS = {"retryafterms", "retryaftermilliseconds", "retryinms"}


def retry_after(response: httpx2.Response) -> float | None:
    """The seconds that a refusal asks us to wait, between 0 and MAX_HINT_SECONDS; None if it gives no hint.

    A Retry-After header counts first, in seconds, as a date or as an instant since 1970 in any unit; then what the body
    says; then the headers that report when a used-up limit is reset. Of several values of one kind the longest counts.
    """
    stated = from_header(response.headers)
    if stated is None:
        body = json_body(response)
        stated = _longest((from_body(body), from_words(response.text if body is None else texts_in(body))))
    return from_reset(response.headers) if stated is None and response.status_code == 429 else stated


def header_wait(response: httpx2.Response) -> float:
    """The seconds that a header of a refusal asks us to wait; 0.0 if none does. With it any refusal is one for now."""
    return from_header(response.headers) or 0.0


def from_header(headers: httpx2.Headers) -> float | None:
    """The wait in Retry-After-Ms or Retry-After."""
    milliseconds = [value for value in map(_number, _values(headers, "retry-after-ms")) if value is not None]
    if milliseconds:
        return _clamp(max(milliseconds) / 1000)
    return _longest(map(seconds_in, _values(headers, "retry-after")))


def from_body(body: Any) -> float | None:
    """The wait in a field of a JSON body, like Google's RetryInfo, or in the headers that a relay quotes in it."""
    found: list[float | None] = []
    for key, value in fields_in(body):
        name = re.sub(r"[^a-z]", "", key.lower())
        if name in SECONDS_KEYS:
            found.append(_duration_of(value))
        elif name in MILLISECONDS_KEYS and (milliseconds := _number(str(value)[:MAX_DATE_LENGTH])) is not None:
            found.append(_clamp(milliseconds / 1000))
        elif name == "headers" and isinstance(value, dict):
            quoted = httpx2.Headers(
                {str(key): str(value).encode("ascii", "ignore").decode() for key, value in value.items()}
            )
            found += [from_header(quoted), from_reset(quoted)]
    return _longest(found)


def from_words(text: str) -> float | None:
    """The wait in a sentence like "try again in 7m12.5s" or "Please retry after 6 seconds."."""
    plain = THOUSANDS.sub("", " ".join(text[:MAX_HINT_TEXT].split()))
    plain = WRITTEN_NUMBER.sub(lambda word: NUMBER_WORDS[word[1].lower()], plain)
    clocks = [_clock_in(found["value"]) for found in IN_CLOCK.finditer(plain)]
    others = [_duration_in(found["value"]) for found in IN_MORE_WORDS.finditer(plain)]
    return _longest((*clocks, *others, *(_from_phrase(found["value"]) for found in IN_WORDS.finditer(plain))))


def from_reset(headers: httpx2.Headers) -> float | None:
    """The wait until a used-up limit is reset. Without a limit that is used up, the shortest of all."""
    used_up: list[float] = []
    others: list[float] = []
    for name, value in headers.items():
        if name == "ratelimit":
            used_up += _policy_resets(value)
        if "ratelimit" not in name or "reset" not in name:
            continue
        wait = seconds_in(value)
        if wait is not None:
            left = _number(headers.get(name.replace("reset", "remaining"), "0").strip())
            (others if left else used_up).append(wait)
    return max(used_up) if used_up else min(others, default=None)


def _policy_resets(value: str) -> Iterator[float]:
    """The resets in a RateLimit header, of the policies that have nothing left or do not say."""
    for policy in value[:MAX_HINT_TEXT].split(","):
        reset, left = POLICY_RESET.search(policy), POLICY_LEFT.search(policy)
        if reset and not (left and left[1].strip("0")):
            yield _wait_of(_number(reset[1]) or 0.0)


def seconds_in(value: str) -> float | None:
    """The wait that one value means: seconds, a duration like 6m0s, a date, or an instant since 1970 in any unit."""
    plain = value.strip(" \t\"'")
    number = _number(plain)
    if number is not None:
        return _wait_of(number)
    short = plain[:MAX_DATE_LENGTH]
    duration = next((wait for read in (_duration_in, _clock_in) if (wait := read(short)) is not None), None)
    return _instant_in(plain) if duration is None else duration


def _values(headers: httpx2.Headers, name: str) -> Iterator[str]:
    """Each value of a header that may come several times, or several times in one line."""
    for value in headers.get_list(name):
        parts = value.split(",", MAX_NODES)[:MAX_NODES]
        yield from parts if all(NUMBER.fullmatch(part.strip()) for part in parts) else (value,)


def _number(text: str) -> float | None:
    """The number that `text` is; None if it is none. Never NaN; infinite where a float cannot hold it."""
    plain = text.strip()
    if NUMBER.fullmatch(plain) is None:
        return None
    if len(plain) > MAX_DATE_LENGTH:
        return -math.inf if plain.startswith("-") else math.inf
    return float(plain)


def _wait_of(number: float) -> float:
    """The wait of a number: seconds, or an instant since 1970 in seconds, milliseconds, microseconds or nanoseconds."""
    if not MIN_EPOCH_SECONDS <= number < MAX_EPOCH_NUMBER:
        return _clamp(number)
    while number >= MAX_EPOCH_SECONDS:
        number /= 1000
    return _clamp(number - time.time())


def _clamp(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_HINT_SECONDS)


def _longest(waits: Iterable[float | None]) -> float | None:
    return max((wait for wait in waits if wait is not None), default=None)


def _duration_in(text: str) -> float | None:
    """The seconds of a duration that `text` begins with, like 1h2m3.5s or "2 minutes, 5 seconds"."""
    total, at = 0.0, 0
    while piece := PIECE.match(text, at):
        unit = piece[2].lower()
        total += float(piece[1]) * next(UNIT_SECONDS[unit[:n]] for n in (3, 2, 1) if unit[:n] in UNIT_SECONDS)
        at = piece.end()
    return _clamp(total) if at else None


def _clock_in(text: str) -> float | None:
    """The seconds of a duration like 00:05:30, 1.02:21:45 or PT5M30S."""
    found = CLOCK.fullmatch(text) or (len(text) > 2 and ISO_DURATION.fullmatch(text))
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return _clamp(((days * 24 + hours) * 60 + minutes) * 60.0 + seconds)


def _duration_of(value: Any) -> float | None:
    """The wait in a field: a number, a text, or Google's duration as an object."""
    match value:
        case bool():
            return None
        case int() | float():
            return None if math.isnan(value) else _wait_of(float(min(max(value, -MAX_EPOCH_NUMBER), MAX_EPOCH_NUMBER)))
        case str():
            return seconds_in(value)
        case {"seconds": inner}:
            return _duration_of(inner)
    return None


def _from_phrase(text: str) -> float | None:
    """The wait that a sentence goes on with. A bare number counts as seconds where a word of time does not follow."""
    instant = ISO_INSTANT.match(text)
    if instant is not None:
        return _instant_in(instant[0])
    duration = _duration_in(text)
    if duration is not None:
        return duration
    bare = BARE_SECONDS.match(text)
    if bare is None:
        return None
    rest = text[bare.end() :]
    unit = rest[:1] == " " and rest[1:2].isalpha()  # such as "3.5 GiB"
    return None if unit or rest.lstrip(".,;)]\"' ")[:1].islower() else _wait_of(float(bare[1]))


def _instant_in(text: str) -> float | None:
    """The wait until a date as RFC 9110 or ISO 8601 writes it; a date without a zone is UTC."""
    if len(text) > MAX_DATE_LENGTH:
        return None
    try:
        iso = ISO_INSTANT.fullmatch(text)
        at = _iso_timestamp(iso) if iso else _rfc_timestamp(text)
    except (ValueError, OverflowError, TypeError, IndexError):  # what the library raises for dates of no calendar
        at = None
    if at is not None:
        return _clamp(at - time.time())
    return MAX_HINT_SECONDS if FAR_YEAR.search(text) and re.match(r"[A-Za-z]{3,9},? ", text) else None


def _iso_timestamp(found: re.Match[str]) -> float:
    zone = (found[4] or "Z").upper().replace("UTC", "Z").replace("GMT", "Z").replace("Z", "+00:00")
    return datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}").astimezone(UTC).timestamp()


def _rfc_timestamp(text: str) -> float | None:
    parsed = email.utils.parsedate_tz(text)
    if parsed is None:
        return None
    return float(calendar.timegm((*parsed[:6], 0, 1, 0)) - (parsed[9] or 0))


def json_body(response: httpx2.Response) -> Any:
    """The JSON body, or None for anything else. Nobody explains a refusal in more than MAX_BODY_BYTES."""
    if len(response.content) > MAX_BODY_BYTES:
        return None
    try:
        return json_in(response)
    except (ValueError, RecursionError):
        return None


def texts_in(body: Any) -> str:
    """The texts of a JSON body in one line, the outer ones first, cut to MAX_HINT_TEXT characters."""
    texts, length = [], 0
    for _, value in fields_in(body):
        if isinstance(value, str) and length < MAX_HINT_TEXT:
            texts.append(value[: MAX_HINT_TEXT - length])
            length += len(texts[-1])
    return " ; ".join(texts)


def fields_in(body: Any) -> Iterator[tuple[str, Any]]:
    """Each key of a JSON body with its value, the outer ones first, and those of JSON that a text of it quotes.

    The key is "" for the body itself and for items of a list. At most MAX_NODES are visited.
    """
    queue: list[tuple[str, Any]] = [("", body)]
    for visited, (key, value) in enumerate(queue):
        if visited >= MAX_NODES:
            return
        yield key, value
        match value:
            case dict():
                queue += [(str(name), inner) for name, inner in itertools.islice(value.items(), MAX_NODES)]
            case list():
                queue += [("", inner) for inner in value[:MAX_NODES]]
            case str() if value.lstrip()[:1] in {"{", "["} and len(value) <= MAX_HINT_TEXT:
                queue += [("", inner) for inner in _quoted(value)]


def _quoted(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return []
