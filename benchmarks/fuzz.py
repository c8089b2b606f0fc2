"""Fuzzes the readers of other people's data with Atheris, which looks for inputs that reach new code.

    python -m pip install atheris
    python benchmarks/fuzz.py                 all targets, ten minutes in all
    python benchmarks/fuzz.py lists 60        one target, for so many seconds

A target reads text as a provider or a caller may send it, and may raise nothing but our own errors. An input of 64 kB must
take less than BOUND seconds of a processor. What fails is printed and left as a file crash-*, and the exit code is not 0.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["alexandria"], enable_loader_override=False):
    import httpx2

    from alexandria.catalogue.matching import names, titles
    from alexandria.catalogue.models import Isbn13
    from alexandria.core import errors, redaction
    from alexandria.core.month import Month
    from alexandria.core.servers import message_pattern, server_of
    from alexandria.providers import (
        book_list,
        chat_dialect,
        fields,
        generator_specs,
        google_dialect,
        refusal_kinds,
        refusals,
        retry_hints,
    )
    from alexandria.rollout import plan
    from alexandria.sandbox.fault_rules import read_rules

BOUND = 0.5  # seconds of a processor for one input; instrumented code is ten times as slow
MAX_LENGTH = 65_536  # bytes of an input
ALL_SECONDS = 600
MARCH = Month(2003, 3)
SEEDS = {
    "hints": ["120", "Fri, 31 Dec 2027 23:59:59 GMT", "1h2m3.5s", "Please try again in 7m12.5s.", '{"error":{"retryDelay":"5s"}}', '"day";r=0;t=60'],
    "lists": ['{"books": [{"title": "A", "author": "B", "year": 2003}]}', '</think>[{"title": "A"}]', '{"2003-03": [{"name": "A", "by": ["B"]}]}', "{'books': [{'title': 'A',}]}"],
    "dates": ["2003?", "2003, c1998", "April 22, 2008", "20171130", "2003 [i.e. 2004]", "c1998-2003"],
    "names": ["Brown, Dan, 1964-", "Bessel A. van der Kolk MD", "A (editor); B, b. 1950", "Title / Ann Author (A / B)"],
    "entities": ["&amp;&#233;&#x1F600;", "&#" + "0" * 30 + "65;", "&#1111111111;"],
    "parameters": ["2003-03", "openai:m@http://h:1/v1", "gemini:m,wikidata", "isbndb:down=0.5@3-7", "https://[::1]:8080/v1"],
    "refusals": ['{"error":{"message":"insufficient credits","code":402}}', "<title>Just a moment...</title>", '{"base_resp":{"status_code":1008}}'],
}  # fmt: skip


def hints(text: str) -> None:
    """Waits in headers and bodies are within a day."""
    headers = {"Retry-After": text.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "")[:4096]}
    content = text.encode("utf-8", "replace")
    refusals_of_it = [httpx2.Response(status, content=content, headers=headers) for status in (429, 503)]
    waits = [retry_hints.seconds_in(text), retry_hints.from_words(text), *map(retry_hints.retry_after, refusals_of_it)]
    assert all(wait is None or 0 <= wait <= retry_hints.MAX_HINT_SECONDS for wait in waits), waits


def lists(text: str) -> None:
    """A list of books, or BadAnswer."""
    items = book_list.list_in("xai", text, cut_off=len(text) % 2 == 0, month=MARCH)
    answer = book_list.judge(items, MARCH, 20, "xai")
    assert len(answer.candidates) <= 20


def dates(text: str) -> None:
    """A date that a calendar has, or none."""
    found = fields.date(text)
    assert found is None or fields.MIN_YEAR <= found.year <= fields.MAX_YEAR
    fields.padded_date(text)


def people(text: str) -> None:
    """Names and titles as printed."""
    fields.names(text)
    fields.parts(text, " / ")
    names.plain(text)
    names.name_key(text)
    titles.read(text, text[::-1])


def entities(text: str) -> None:
    """One line of text."""
    assert len(fields.text(text)) <= fields.MAX_TEXT_LENGTH
    redaction.masked(text)
    Isbn13.read(text)


def parameters(text: str) -> None:
    """What callers and operators write."""
    for read in (
        Month.parse,
        lambda entry: generator_specs.parse_generators(entry.split(",")),
        read_rules,
        server_of,
        message_pattern,
        plan.read,
    ):
        with contextlib.suppress(errors.AlexandriaError, *([ValueError] if read is server_of else [])):
            read(text)


def answers(text: str) -> None:
    """Refusals and answers of any server."""
    for status in (200, 400, 401, 403, 404, 429, 500):
        response = httpx2.Response(status, content=text.encode("utf-8", "replace"))
        refusal_kinds.meaning(response)
        refusals.sentence_of(response)
    with contextlib.suppress(ValueError, RecursionError):
        body = json.loads(text)
        chat_dialect.error_in(body)
        chat_dialect.read_completion(body)
        google_dialect.read_response(body)


TARGETS: dict[str, Callable[[str], None]] = {
    "hints": hints, "lists": lists, "dates": dates, "names": people, "entities": entities, "parameters": parameters,
    "refusals": answers,
}  # fmt: skip


def one_input(target: Callable[[str], None]) -> Callable[[bytes], None]:
    """A target of Atheris: the text of some bytes, within the bound."""

    def run(data: bytes) -> None:
        text = _text(data)
        began = time.thread_time()
        with contextlib.suppress(errors.AlexandriaError):
            target(text)
        took = time.thread_time() - began
        if took > BOUND:
            raise TimeoutError(f"{took:.2f} s for {len(text)} characters")

    return run


def _text(data: bytes) -> str:
    """The text of some bytes, with halves of surrogate pairs; bytes that are no UTF-8 are letters of their own."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def main() -> int:
    """Run one target here, or each in a process of its own, as Atheris ends its process."""
    if len(sys.argv) > 1 and sys.argv[1] in TARGETS:
        name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
        with tempfile.TemporaryDirectory() as corpus:
            for number, seed in enumerate(SEEDS[name]):
                (Path(corpus) / str(number)).write_text(seed, encoding="utf-8")
            redaction.protect(["g", "xy", "abc", "a-long-secret"])
            options = [f"-max_total_time={seconds}", f"-max_len={MAX_LENGTH}", "-timeout=20", "-print_final_stats=1"]
            atheris.Setup([sys.argv[0], corpus, *options], one_input(TARGETS[name]))
            atheris.Fuzz()
        return 0
    seconds = str(ALL_SECONDS // len(TARGETS))
    failed = [
        name for name in TARGETS if subprocess.run([sys.executable, __file__, name, seconds], check=False).returncode
    ]
    print("failed:", ", ".join(failed) or "none")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
