"""Finds the public functions that are given text from outside, and calls each with a text in its place.

A function is found by its annotations, so that a new one is tried at once. One whose arguments cannot be made from a
text alone needs a line in BY_HAND, or in NOT_FROM_OUTSIDE with the reason.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import httpx2
from starlette.requests import Request

import alexandria
from alexandria.backfill.lists import columns, files, questions
from alexandria.backfill.lists.answer_forms import JsonEntries, OwnLines, TableRows
from alexandria.backfill.lists.columns import Columns
from alexandria.catalogue import index
from alexandria.catalogue.matching import authors, edition_findings, names, scoring, titles
from alexandria.catalogue.matching.findings import Comparable
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.catalogue.other_titles import MAX_TITLE_LENGTH, MAX_TITLES
from alexandria.core.month import Month
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.providers.bodies import MAX_TYPE_LENGTH
from alexandria.providers.redirects import stays_on_site
from alexandria.web.auth.session import COOKIE, SessionAuth

PACKAGES = (
    "backfill.lists",
    "catalogue",
    "cli.options",
    "core",
    "providers",
    "rollout.acts",
    "rollout.plan",
    "sandbox.fault_rules",
    "web.auth",
    "web.idempotency",
    "web.routing",
)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SOURCE = SourceRecord("shelf", "1", NOW)
ROW_LENGTH, MAX_ROWS = 128, 500  # characters of each row of a list; rows that are read
MAX_RECORDS, MAX_BOOKS = 20, 8  # of a search; of a list, each of which is compared with each
PIECE_LENGTH = 32  # characters of each of many small texts
TEXTUAL = re.compile(
    r"\b(?:str|bytes|Any|object|T|Candidate|EditionRecord|Comparable|Title|Person|Response|Headers|Request|Readable|Line|Row)\b"
)

Reader = Callable[[str], object]


def pieces(text: str, length: int = PIECE_LENGTH) -> list[str]:
    """Return a text as many small ones that differ, as in a list of the same length."""
    cut = [text[at : at + length] for at in range(0, len(text), length)]
    return [f"{piece[:-5]}{number}" for number, piece in enumerate(cut)]


def candidate(text: str) -> Candidate:
    return Candidate(text, text, 2003, 3, text, text)


def edition(text: str) -> EditionRecord:
    return EditionRecord(
        SOURCE, text, text, (text,), Isbn13("9780385504201"), text, PartialDate(2003), 2003, text, text, 9, text, text, (text,),
        other_titles=(text[1:],), other_names=(text[1:],),
    )  # fmt: skip


def comparable(text: str) -> Comparable:
    return Comparable(titles.read(text), (text,), titles.series_of(text), text, 2003)


def response(body: object, headers: dict[str, str] | None = None, status: int = 429) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = httpx2.Request("GET", "https://far.test/")
    known = [(name.encode(), value.encode("utf-8", "replace")) for name, value in (headers or {}).items()]
    return httpx2.Response(status, content=content, request=sent, headers=known)


def request(text: str) -> Request:
    """Return a request with the text in each place that a client fills."""
    value = text.encode("latin-1", "replace")
    places = ("cookie", "x-cron-secret", "idempotency-key", "content-type", "accept", "host", "origin")
    fields = [(name.encode(), value[: len(value) // len(places)]) for name in places]
    scope = {"type": "http", "method": "GET", "path": f"/{text}", "raw_path": value, "root_path": "", "scheme": "http"}
    return Request(scope | {"query_string": value, "headers": fields, "client": (text, 1), "server": ("", 80)})


def values(text: str) -> dict[str, Any]:
    """Return what JSON can hold of a text."""
    short = text[:-1]
    return {
        "text": text,
        "a list": [text],
        "small texts": pieces(text),
        "an object": {"key": text},
        "a book": {"title": text[: len(text) // 2], "author": text[len(text) // 2 :]},
        "a refusal": {"error": {"message": text}},
        "a wait": {"error": {"details": [{"retryDelay": text}]}},
        "keys": dict.fromkeys(pieces(text), short[:1]),
        "a completion": {"choices": [{"message": {"content": text}}]},
        "a completion that reasons": {"choices": [{"message": {"content": "", "reasoning": text}}]},
        "a candidate": {"candidates": [{"content": {"parts": [{"text": text}]}}]},
    }


def several(text: str, make: Callable[[list[str]], object] = list) -> dict[str, object]:
    return {"one": make([text]), "several": make(pieces(text)), "words": make(text.split() or [text])}


def responses(text: str) -> dict[str, object]:
    third = text[-(-len(text) // 3) * 2 :]
    return {
        "body": response(text.encode("utf-8", "replace")),
        "object": response({"error": {"message": third, "code": third, "status": third}}),
        "headers": response({}, {"retry-after": text, "content-type": text[:MAX_TYPE_LENGTH], "location": text}),
    }


def headers(text: str) -> dict[str, object]:
    names = ("retry-after", "retry-after-ms", "ratelimit", "x-ratelimit-reset-requests")
    return {name: response({}, {name: text}).headers for name in names}


# The arguments of a type that hold a text, by the name of their form.
FORMS: dict[str, Callable[[str], dict[str, object]]] = {
    "str": lambda text: {"text": text},
    **dict.fromkeys(("bytes", "str | bytes"), lambda text: {"bytes": text.encode("utf-8", "replace")}),
    **dict.fromkeys(("Any", "object", "T"), values),
    **dict.fromkeys(("list[str]", "Sequence[str]", "Iterable[str]", "Collection[str]", "Iterable[Any]"), several),
    "tuple[str, ...]": lambda text: several(text, tuple),
    "list[Any]": lambda text: {"one": [text], "several": pieces(text), "objects": [{"title": text, "author": text}]},
    **dict.fromkeys(
        ("dict[str, Any]", "Mapping[str, Any]"),
        lambda text: {"one": {"type": text, "msg": text, "loc": (text,), "ctx": {}}},
    ),
    "Mapping[str, str]": lambda text: {"one": {"title": text}},
    "Candidate": lambda text: {"book": candidate(text)},
    "EditionRecord": lambda text: {"edition": edition(text)},
    "Iterable[EditionRecord]": lambda text: {
        "one": [edition(text)],
        "several": [edition(piece) for piece in pieces(text)[:MAX_RECORDS]],
    },
    "Iterable[Sequence[Candidate]]": lambda text: {
        "one": [[candidate(text)]],
        "several": [[candidate(piece) for piece in pieces(text)[:MAX_BOOKS]]],
    },
    "Comparable": lambda text: {"record": comparable(text)},
    "Title": lambda text: {"title": titles.read(text)},
    "httpx2.Response": responses,
    "httpx2.Headers": headers,
    "Request": lambda text: {"request": request(text)},
}


def forms(annotation: str, text: str) -> dict[str, object]:
    """Return the arguments of this type that hold the text; none for an unknown type."""
    make = FORMS.get(annotation.replace(" | None", ""))
    return {} if make is None else make(text)


# Arguments that are not from outside, by their names and annotations.
FIXED = {
    "provider: str": "xai",
    "generator: str": "xai",
    "month: Month": Month(2003, 3),
    "month: Month | None": Month(2003, 3),
    "now: datetime": NOW,
    "at: datetime": NOW,
    "count: int": 20,
    "level: int": 0,
    "number: int": 1,
    "longest: int": 150,
    "score: float": 90.0,
    "fit: float": 0.9,
    "year: int | None": 2003,
    "cut_off: bool": False,
    "agreed: bool": False,
    "separator: str": " / ",
    "environment: Mapping[str, str]": {},
    "status: int | None": None,
    "form: TableForm": files.TableForm(),
}


def row(text: str) -> files.Row:
    every = Columns({name: (at,) for at, name in enumerate(columns.NAMES)})
    return files.Row(1, [text] * len(columns.NAMES), every)


def table(text: str) -> bytes:
    """Return the text as the titles and authors of a table of its length."""
    rows = map("{0},{0}".format, pieces(text[: len(text) // 2], ROW_LENGTH))
    return "\n".join(["title,author", *rows]).encode("utf-8", "replace")


def cells(text: str, separator: str) -> bytes:
    header = separator.join(("title", "author", "isbn", "year"))
    line = separator.join([text[: len(text) // 4].replace("\n", " ")] * 4)
    return f"{header}\n{line}\n".encode("utf-8", "replace")


def read_lines(content: bytes) -> None:
    """Read a list and its first books: each book costs time, however short it is."""
    for line in files.read(content, {}).lines[:MAX_ROWS]:
        line.read()


# Functions that need more than a text, by their full names; and ways from a file to its books.
BY_HAND: dict[str, dict[str, Reader]] = {
    "catalogue.index.keys_of": {
        "titles": lambda text: index.keys_of(pieces(text, MAX_TITLE_LENGTH)[:MAX_TITLES], (text[:MAX_TITLE_LENGTH],)),
    },
    "backfill.lists.files.Row.read": {"cells": lambda text: row(text).read()},
    "backfill.lists.files.read": {
        "alone": lambda text: read_lines(text.encode("utf-8", "replace")),
        **{
            f"cells by {name}": functools.partial(lambda sign, text: read_lines(cells(text, sign)), sign)
            for name, sign in (("tab", "\t"), ("semicolon", ";"), ("comma", ","), ("bar", "|"))
        },
        "many rows": lambda text: read_lines(table(text)),
        "many columns": lambda text: files.read(",".join(["title", "author", *pieces(text)]).encode("utf-8", "replace"), {}),
        "JSON": lambda text: read_lines(json.dumps([{"title": text, "author": text, "isbn": text}]).encode()),
        "JSON lines": lambda text: read_lines(json.dumps({"id": text, "title": text, "author": text}).encode()),
        "many in JSON": lambda text: read_lines(json.dumps([{"title": one, "author": one} for one in pieces(text, ROW_LENGTH)]).encode()),
    },
    "backfill.lists.questions.Line.read": {
        "alone": lambda text: questions.Line(1, text.encode("utf-8", "replace")).read(),
        "as values": lambda text: questions.Line(1, json.dumps({"id": 1, "title": text, "author": text, "isbn": text}).encode()).read(),
    },
    "backfill.lists.answer_forms.OwnLines.entries": {"alone": lambda text: list(OwnLines().entries(text.encode("utf-8", "replace")))},
    "backfill.lists.answer_forms.JsonEntries.entries": {
        form: functools.partial(
            lambda form, text: list(JsonEntries(files.BookList("lines", (), ()), form).entries(text.encode("utf-8", "replace"))), form
        )
        for form in ("lines", "array", "object")
    },
    "backfill.lists.answer_forms.TableRows.entries": {
        "alone": lambda text: list(TableRows(files.BookList("lines", (), ()), files.TableForm()).entries(text.encode("utf-8", "replace")))
    },
    "providers.redirects.stays_on_site": {"location": lambda text: stays_on_site(response({}, {"location": text}, 302))},
    "core.webhook_secrets.WebhookSecrets.admits": {"alone": WebhookSecrets(("s" * 40,)).admits},
    "web.auth.session.SessionAuth.visitor": {
        "a cookie": lambda text: SessionAuth(WebhookSecrets(("s" * 40,)), lambda: False).visitor(request(f"{COOKIE}={text}")),
    },
    "catalogue.matching.scoring.choose": {
        "one": lambda text: scoring.choose(candidate(text), [edition(text)]),
        "several": lambda text: scoring.choose(candidate(text[:4000]), [edition(piece) for piece in pieces(text)[:MAX_RECORDS]]),
        "subtitles": lambda text: scoring.choose(Candidate(f"Dune: {text}", text), [edition(f"Dune: {text[1:]}")]),
    },
    "catalogue.matching.scoring.same_work": {
        "alike": lambda text: scoring.same_work(edition(text), EditionRecord(SOURCE, text[1:], authors=(text,))),
        "subtitles": lambda text: scoring.same_work(edition(f"Dune: {text}"), EditionRecord(SOURCE, f"Dune: {text[1:]}", authors=(text[1:],))),
        "asides": lambda text: scoring.same_work(edition(f"Dune ({text})"), EditionRecord(SOURCE, f"Dune ({text[1:]}", series=text)),
        "many authors": lambda text: scoring.same_work(
            EditionRecord(SOURCE, "Dune", authors=tuple(pieces(text)[:100])), EditionRecord(SOURCE, "Dune", authors=tuple(pieces(text[1:])[:100]))
        ),
    },
    "catalogue.matching.edition_findings.language_findings": {
        "alike": lambda text: edition_findings.language_findings(candidate(text), edition(text), exact=False),
    },
    "catalogue.matching.authors.agreement": {
        "alike": lambda text: authors.agreement((text,), (text[1:],)),
        "several": lambda text: authors.agreement(tuple(pieces(text)[:100]), tuple(pieces(text[1:])[:100])),
    },
    "catalogue.matching.names.people": {"one": lambda text: names.people((text,)), "several": lambda text: names.people(tuple(pieces(text)))},
}  # fmt: skip

SETTINGS, RECORDS, ENDS = "our own setting or name", "read before by a parser that is tried", "writes what was read"
# Functions that are given no text from outside, with the reason.
NOT_FROM_OUTSIDE: dict[str, str] = {
    "backfill.lists.answer_file.answer_file": ENDS,
    "backfill.lists.answer_file.held_answers": "reads a file of our own answers by the forms below",
    "backfill.lists.answer_file.continued": "reads a file of our own answers by the forms below",
    "backfill.lists.answer_file.replace_content": ENDS,
    "backfill.lists.answer_forms.AnswerForm.entry": ENDS,
    "backfill.lists.answer_forms.AnswerForm.entries": "of its implementations",
    "backfill.lists.answer_forms.AnswerForm.verdict": "of its implementations",
    "backfill.lists.answer_forms.OwnLines.entry": ENDS,
    "backfill.lists.answer_forms.OwnLines.verdict": ENDS,
    "backfill.lists.answer_forms.JsonEntries.entry": ENDS,
    "backfill.lists.answer_forms.JsonEntries.verdict": ENDS,
    "backfill.lists.answer_forms.TableRows.entry": ENDS,
    "backfill.lists.answer_forms.TableRows.verdict": ENDS,
    "backfill.lists.files.Encoding.encode": ENDS,
    "backfill.lists.files.BookList.originals": RECORDS,
    "backfill.lists.isbn_check.GivenRecords.check": RECORDS,
    "backfill.lists.questions.read": "calls the `read` of its line",
    "backfill.lists.questions.mistakes": "calls the `read` of each line",
    "catalogue.considered.records_of": RECORDS,
    "catalogue.curation.Refusals.of": RECORDS,
    "catalogue.matching.edition_findings.year_findings": "compares two years",
    "catalogue.export.query.editions": "writes what the catalogue holds",
    "catalogue.export.writer.table": "writes what the catalogue holds",
    "catalogue.models.Resolution.without_isbn": SETTINGS,
    "catalogue.repository.is_of": RECORDS,
    "cli.options.in_order": RECORDS,
    "core.config.Settings.key_of": SETTINGS,
    "core.config.Settings.lane_of": SETTINGS,
    "core.config.origin": SETTINGS,
    "core.logging.configure": SETTINGS,
    "web.routing.secret_router": SETTINGS,
    "core.logging.quieten": SETTINGS,
    "core.provider_facts.resolve": SETTINGS,
    "core.proxies.proxy_for": SETTINGS,
    "core.redaction.protect": SETTINGS,
    "core.secret_files.add": ENDS,
    "core.secret_files.file_of": SETTINGS,
    "core.servers.shares_key": SETTINGS,
    "core.tracing.answer": SETTINGS,
    "core.tracing.wanted": SETTINGS,
    "providers.client.ProviderClient.unreachable": SETTINGS,
    "providers.client.ProviderClient.use_plan_host": "compares it",
    "providers.client.next_midnight": SETTINGS,
    "providers.client.silent_tries": SETTINGS,
    "providers.client.user_agent": SETTINGS,
    "providers.failures.failure_of": SETTINGS,
    "providers.fields.usable": RECORDS,
    "providers.limits": SETTINGS,
    "providers.llm_thinking.thinking_settings": SETTINGS,
    "providers.named_lists.in_value": "tried by model_json.find_items",
    "providers.prompts": SETTINGS,
    "providers.refusal_kinds.RefusalBody.first_of": "compares it",
    "providers.refusal_kinds.RefusalBody.has": "compares it",
    "providers.registry.make_generator": SETTINGS,
    "rollout.acts.check_release": "compares it",
    "rollout.acts.check_repeated": "compares it",
    "sandbox.fault_rules.Rule.means": RECORDS,
    "sandbox.fault_rules.Faults.set": "reads by read_rules",
    "sandbox.fault_rules.Faults.strike": RECORDS,
    "web.auth.session.SessionAuth.new_session": SETTINGS,
    "web.auth.session.session_auth_of": SETTINGS,
    "web.auth.session.set_session_cookie": SETTINGS,
    "web.routing.system_of": SETTINGS,
}


def modules() -> Iterator[ModuleType]:
    """Return the modules that read what comes from outside."""
    for found in pkgutil.walk_packages(alexandria.__path__, "alexandria."):
        name = found.name.removeprefix("alexandria.")
        if any(name == package or name.startswith(f"{package}.") for package in PACKAGES):
            yield importlib.import_module(found.name)


def public_functions() -> Iterator[tuple[str, Callable[..., object]]]:
    """Return the public functions and class methods of those modules, by their full names without the package's."""
    for module in modules():
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
                continue
            place = f"{module.__name__.removeprefix('alexandria.')}.{name}"
            if inspect.isclass(value):
                for inner, method in vars(value).items():
                    function = method.__func__ if isinstance(method, classmethod | staticmethod) else method
                    if not inner.startswith("_") and inspect.isfunction(function):
                        yield f"{place}.{inner}", getattr(value, inner)
            elif callable(value) and not inspect.isclass(value):
                yield place, value


def parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    return [one for one in inspect.signature(function).parameters.values() if one.name not in ("self", "cls")]


def takes_text(function: Callable[..., object]) -> bool:
    return any(TEXTUAL.search(str(one.annotation)) for one in parameters(function))


def made(function: Callable[..., object]) -> dict[str, Reader] | None:
    """Return the ways to call a function with a text; None if an argument cannot be made from it."""
    fixed: dict[str, Any] = {}
    filled: list[inspect.Parameter] = []
    for one in parameters(function):
        key = f"{one.name}: {one.annotation}"
        if key in FIXED:
            fixed[one.name] = FIXED[key]
        elif forms(str(one.annotation), "text "):
            filled.append(one)
        elif one.default is inspect.Parameter.empty:
            return None
    if not filled or "self" in inspect.signature(function).parameters:
        return None
    count = max(len(forms(str(one.annotation), "text ")) for one in filled)

    def call(form: int, text: str) -> object:
        called = dict(fixed)
        for at, one in enumerate(filled):
            options = list(forms(str(one.annotation), text[at:]).values())
            called[one.name] = options[form % len(options)]
        found = function(**called)
        return list(found) if isinstance(found, Iterator) else found

    names = list(forms(str(filled[0].annotation), "text ")) if len(filled) == 1 else [str(n) for n in range(count)]
    return {name: functools.partial(call, form) for form, name in enumerate(names)}


def is_exempt(name: str) -> bool:
    return any(name == known or name.startswith(f"{known}.") for known in NOT_FROM_OUTSIDE)


def readers() -> tuple[dict[str, Reader], list[str]]:
    """Return each way to give a public function a text, and the functions that nobody has said how to call."""
    found: dict[str, Reader] = {}
    unknown = []
    for name, function in public_functions():
        if is_exempt(name) or inspect.iscoroutinefunction(function) or not takes_text(function):
            continue
        ways = BY_HAND.get(name) or made(function)
        if ways is None:
            unknown.append(f"{name}{inspect.signature(function)}")
        else:
            found |= {f"{name} ({form})": read for form, read in ways.items()}
    return found, unknown
