"""Lists of titles: every line answered in its order, stopped and continued at any line, nothing lost and nothing paid twice."""

import asyncio
import csv
import dataclasses
import io
import json
import os
import signal
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2
import psycopg
import pytest
import structlog

from alexandria.backfill import resolve_list
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue.models import EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.cli import main as cli
from alexandria.cli.runtime import demo
from alexandria.core import errors
from alexandria.database import pool
from alexandria.database.pool import Database
from tests.support.commands import running

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PROPHET = {"id": "p", "title": "Prophet Song", "author": "Paul Lynch", "year": 2023, "month": 8}
ORBITAL = {"id": 7, "title": "Orbital", "author": "Samantha Harvey", "year": 2023}
INVENTED = {"id": "x", "title": "The Unwritten Almanac of Nowhere", "author": "Nemo Nobody"}
ISBNS = {"Prophet Song": "9780861545896", "Orbital": "9780802163622"}


@dataclass
class Shelf:
    """A source that knows ISBNS, until its day is used up after `units` questions."""

    name: str = "isbndb"
    paid: bool = True
    units: int = 10**6
    failure: errors.ProviderError | None = None
    asked: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    async def find(self, candidate):
        if self.failure or len(self.asked) >= self.units:
            raise self.failure or errors.QuotaSpent(self.name, "the day is used up", until=NOW + timedelta(hours=12))
        self.asked.append(candidate.title)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        isbn = ISBNS.get(candidate.title.partition(" #")[0])
        if isbn is None:
            return []
        record = SourceRecord(self.name, isbn, NOW)
        return [EditionRecord(record, candidate.title, authors=(candidate.author,), isbn13=Isbn13.parse(isbn),
                    published=PartialDate(2023, 8))]  # fmt: skip


def written(*rows):
    return resolve_list.lines_of(
        b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    )


async def answered(lines, *sources, url):
    """The answers until the end or an error, and the error."""
    found: list[resolve_list.Answer] = []
    async with Database(url) as database:
        try:
            async with aclosing(resolve_list.answers(lines, SourcePool(sources, Policy.BALANCED), database)) as answers:
                async for answer in answers:
                    found.append(answer)  # noqa: PERF401 # what came before an error counts
        except errors.AlexandriaError as error:
            return found, error
    return found, None


async def test_every_line_is_answered_in_its_order(database_url):
    lines = written(PROPHET, INVENTED, ORBITAL)
    found, error = await answered(lines, Shelf(), url=database_url)
    assert error is None
    sure = found[0].score
    assert sure > 99
    assert [json.loads(answer.line) for answer in found] == [
        {"id": "p", "isbn13": "9780861545896", "verdict": "accept", "score": sure, "source": "isbndb",
         "reasons": ["same title", "same author", "published 2023, as named"]},
        {"id": "x", "isbn13": None, "verdict": "refuse", "score": 0.0, "source": "",
         "reasons": ["no source knows it"]},
        {"id": 7, "isbn13": "9780802163622", "verdict": "accept", "score": sure, "source": "isbndb",
         "reasons": ["same title", "same author", "published 2023, as named"]},
    ]  # fmt: skip


async def test_a_doubt_states_its_reason(database_url):
    named = ORBITAL | {"author": "Sam Unknown"}
    found, _ = await answered(written(named | {"title": "Orbital Nights"}), Shelf(), url=database_url)
    assert (found[0].verdict, found[0].isbn13) == ("refuse", None)

    class Doubtful(Shelf):
        async def find(self, candidate):
            return [dataclasses.replace(hit, authors=()) for hit in await super().find(candidate)]

    found, _ = await answered(written(ORBITAL), Doubtful(), url=database_url)
    assert (found[0].verdict, found[0].isbn13) == ("doubt", None)
    assert 50 < found[0].score < 99
    assert "no author to compare" in found[0].reasons[0]


@pytest.mark.parametrize(
    ("line", "id_", "message"),
    [
        (b"{", None, "not JSON in UTF-8"),
        (b'{"id": 1, "title": "\xff"}', None, "not JSON in UTF-8"),
        (b"[" * 100_000, None, "not JSON in UTF-8"),
        (b'"Orbital"', None, "not a JSON object"),
        (ORBITAL | {"title": None}, 7, "title: input should be a valid string"),
        (ORBITAL | {"title": " \u0000 "}, 7, "title: is empty"),
        (ORBITAL | {"title": "x" * 501}, 7, "title: is longer than 500 characters"),
        ({"id": 7, "title": "Orbital"}, 7, "author: field required"),
        ({"id": 7, "title": "Orbital", "autor": "Samantha Harvey"}, 7, "author: field required"),
        (ORBITAL | {"author": ["Samantha Harvey"]}, 7, "author: input should be a valid string"),
        (ORBITAL | {"year": "2023"}, 7, "year: input should be a valid integer"),
        (ORBITAL | {"year": 0}, 7, "year: input should be greater than or equal to 1"),
        (ORBITAL | {"month": 13}, 7, "month: input should be less than or equal to 12"),
        (ORBITAL | {"year": None, "month": 3}, 7, "month: means nothing without a year"),
        ({"title": "Orbital", "author": "Samantha Harvey"}, None, "id: field required"),
        (ORBITAL | {"id": {"a": 1}}, None, "id: should be a text or a whole number"),
        (ORBITAL | {"id": True}, None, "id: should be a text or a whole number"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_bad_line_is_answered_with_its_number_and_field(line, id_, message):
    lines = written(PROPHET, b"  ", line)
    assert [line.number for line in lines] == [1, 3]
    answer = resolve_list.read(lines[1])
    assert isinstance(answer, resolve_list.Answer)
    assert (answer.id, answer.isbn13, answer.verdict) == (id_, None, "refused")
    assert answer.reasons[0].startswith(f"line 3: {message}")


async def test_odd_text_is_a_question_like_any_other(database_url):
    """Surrogates without their other half, NUL, and a byte-order mark."""
    odd = b'\xef\xbb\xbf{"id": "a", "title": "Orb\\u0000ital \\ud800", "author": "N.", "more": 1}'
    found, error = await answered(written(odd), Shelf(), url=database_url)
    assert error is None
    assert (found[0].id, found[0].verdict) == ("a", "refuse")


async def test_a_few_lines_are_under_way_at_once_and_never_more(database_url):
    shelf = Shelf()
    rows = [PROPHET | {"id": number, "title": f"Prophet Song #{number}"} for number in range(60)]
    found, error = await answered(written(*rows), shelf, url=database_url)
    assert error is None
    assert [answer.id for answer in found] == list(range(60))
    assert 2 <= shelf.most <= resolve_list.LOOKUP_CONCURRENCY


async def test_a_spent_day_ends_the_list_at_the_first_open_line(database_url):
    """What was answered before is kept; a book that another source knows needs no day of this one."""
    rows = [INVENTED | {"id": number} for number in range(50)]
    found, error = await answered(written(*rows), Shelf(units=30), url=database_url)
    assert isinstance(error, errors.QuotaSpent)
    assert 30 - resolve_list.LOOKUP_CONCURRENCY < len(found) <= 30
    assert [answer.id for answer in found] == list(range(len(found)))
    free = Shelf("open_library", paid=False)
    found, error = await answered(written(ORBITAL, PROPHET), free, Shelf(units=0), url=database_url)
    assert (len(found), error) == (2, None)


async def test_sources_that_are_down_are_named_and_all_down_is_no_answer(database_url):
    down = errors.ProviderDown("open_library", "answered 503")
    sources = [Shelf("open_library", paid=False, failure=down), Shelf()]
    [answer], error = await answered(written(INVENTED), *sources, url=database_url)
    assert error is None
    assert answer.reasons == ["no source knows it; not asked: open_library", "open_library: answered 503"]
    found, error = await answered(written(INVENTED), sources[0], url=database_url)
    assert (found, type(error)) == ([], errors.NoSources)


@pytest.mark.parametrize("trouble", ["a session that is ended", "a lock of another session"])
async def test_a_line_that_the_database_fails_is_tried_again(trouble, database_url, monkeypatch):
    """Each of the lines waits for a table that another session holds, until its own session ends, or it waited too long."""
    monkeypatch.setitem(pool.SESSION_SETTINGS, "lock_timeout", "3s" if "ended" in trouble else "50ms")
    rows = [ORBITAL, PROPHET, INVENTED]
    waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    timed_out = "SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle%' AND query LIKE '%w.id AS work_id%'"
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as watch:
        async with await psycopg.AsyncConnection.connect(database_url) as other:
            await other.execute("LOCK TABLE work IN ACCESS EXCLUSIVE MODE")
            answering = asyncio.create_task(answered(written(*rows), Shelf(), url=database_url))
            ended = "SELECT pg_terminate_backend(pid)" if "ended" in trouble else "SELECT pid"
            while len(await (await watch.execute(f"{ended} {waiting}")).fetchall()) == 0:
                assert not answering.done()
            while "lock" in trouble and len(await (await watch.execute(timed_out)).fetchall()) == 0:
                assert not answering.done()
            await other.rollback()
        found, error = await asyncio.wait_for(answering, 30)
    assert error is None
    assert [answer.isbn13 for answer in found] == ["9780802163622", "9780861545896", None]


async def test_a_list_ends_when_the_database_fails_a_line_for_long(database_url, monkeypatch):
    monkeypatch.setitem(pool.SESSION_SETTINGS, "lock_timeout", "50ms")
    monkeypatch.setattr(resolve_list, "DATABASE_RETRY_TIMEOUT", 0.5)
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("LOCK TABLE work IN ACCESS EXCLUSIVE MODE")
        found, error = await answered(written(ORBITAL), Shelf(), url=database_url)
    assert (found, type(error)) == ([], errors.DatabaseBusy)


def test_a_file_is_continued_only_by_its_own_list(tmp_path):
    """A torn last line is cut off; foreign answers, and more of them than there are lines, are refused."""
    lines = written(PROPHET, b"{", ORBITAL)
    path = tmp_path / "a.jsonl"
    assert resolve_list.continued(path, lines) == 0
    whole = [
        resolve_list.Answer("p", None, "refuse", 0.0, "", ["no"]).line,
        resolve_list.Answer(None, None, "refused", 0.0, "", ["no"]).line,
    ]
    path.write_bytes(b"".join(whole) + b'{"id": 7, "isbn13": "97808')
    assert resolve_list.continued(path, lines) == 2
    assert path.read_bytes() == b"".join(whole)
    path.write_bytes(b'{"id": "p", "isbn13": null')
    assert resolve_list.continued(path, lines) == 0
    assert path.read_bytes() == b""
    for foreign in (whole[1], b"\n", b"no answer\n", b'{"id": "p"}\n', whole[0] * 2, b"".join(whole) + whole[0] * 2):
        path.write_bytes(foreign)
        with pytest.raises(errors.BadInput):
            resolve_list.continued(path, lines)
        assert path.read_bytes() == foreign


# The command, against the sandbox


@pytest.fixture
def _sandboxed(sandbox_url, monkeypatch):
    for name, value in demo._sandboxed(sandbox_url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    yield
    httpx2.post(f"{sandbox_url}/__sandbox/faults", content="none")
    structlog.reset_defaults()


@pytest.fixture
def alexandria(capsys, database_url, _sandboxed):
    def run(*arguments):
        code = cli.main(["--database", database_url, *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def listed(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def answers_in(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_from_file_to_file_and_through_pipes(alexandria, tmp_path, monkeypatch):
    asked = listed(tmp_path / "q.jsonl", [ORBITAL, {"id": "bad"}, INVENTED])
    code, out, err = alexandria("resolve", "--input", asked, "--output", tmp_path / "a.jsonl")
    assert (code, out) == (0, "")
    assert "3 of 3 lines answered: 1 with an ISBN, 1 not found, 1 unreadable" in err
    answers = answers_in(tmp_path / "a.jsonl")
    assert [(a["id"], a["verdict"]) for a in answers] == [(7, "accept"), ("bad", "refused"), ("x", "refuse")]
    assert set(answers[0]) == {"id", "isbn13", "verdict", "score", "source", "reasons"}

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(asked.read_bytes())))
    code, out, _ = alexandria("resolve", "--input", "-")
    piped = [json.loads(line) for line in out.splitlines()]
    same = ("id", "isbn13", "verdict")
    assert code == 0
    assert [[a[name] for name in same] for a in piped] == [[a[name] for name in same] for a in answers]

    code, out, _ = alexandria("--json", "resolve", "--input", asked, "--output", tmp_path / "a.jsonl")
    assert code == 0
    assert json.loads(out)["data"] == {
        "lines": 3, "answered": 3, "answered_before": 3, "accept": 0, "doubt": 0, "refuse": 0, "refused": 0,
    }  # fmt: skip
    code, _, _ = alexandria("resolve", "--input", listed(tmp_path / "n.jsonl", [INVENTED]), "--output", "-")
    assert code == 3


GOODREADS = (
    "Book Id,Title,Author,ISBN,ISBN13,Original Publication Year,My Review\r\n"
    '1,Orbital (Booker Prize),"Samantha Harvey",="",="9780802163622",2023,"One\r\n""orbit"" after another"\r\n'
    '2,Starter Villain,John Scalzi,,="9780802163622",2023.0,\r\n'
    "3,The Unwritten Almanac of Nowhere,Nemo Nobody,,,,\r\n"
    "4,Orbital,,,,,\r\n"
)


def test_an_export_is_answered_as_a_table_and_a_corrected_line_is_tried_again(alexandria, tmp_path):
    asked, target = tmp_path / "export.csv", tmp_path / "answers.csv"
    asked.write_bytes(GOODREADS.encode("utf-8-sig"))
    code, out, err = alexandria("resolve", "--input", asked, "--output", target)
    assert (code, out) == (0, "")
    assert "4 of 4 lines answered: 2 with an ISBN, 1 not found, 1 unreadable" in err
    assert "1 line cannot be read, the first is line 6: author: is empty" in err
    header, *rows = csv.reader(io.StringIO(target.read_bytes().decode("utf-8-sig"), newline=""))
    own = list(csv.reader(io.StringIO(GOODREADS, newline="")))
    assert [row[:7] for row in [header, *rows]] == own
    assert header[7:] == ["alexandria_isbn13", "verdict", "score", "source", "reasons"]
    assert [row[7:9] for row in rows] == [
        ["9780802163622", "accept"], [rows[1][7], "accept"], ["", "refuse"], ["", "refused"],
    ]  # fmt: skip
    assert rows[1][7] != "9780802163622"
    assert "the given ISBN 9780802163622 is of another book: 'Orbital" in rows[1][-1]

    asked.write_bytes(GOODREADS.replace("4,Orbital,,", "4,Orbital,Samantha Harvey,").encode("utf-8-sig"))
    code, _, err = alexandria("resolve", "--input", asked, "--output", target)
    assert code == 0
    assert "3 lines are answered already" in err
    again = list(csv.reader(io.StringIO(target.read_bytes().decode("utf-8-sig"), newline="")))
    assert again[:4] == [header, *rows[:3]]
    assert again[4][7:9] == ["9780802163622", "accept"]


def test_a_json_array_is_answered_as_one_and_columns_are_named_by_hand(alexandria, tmp_path):
    asked = tmp_path / "shelf.json"
    asked.write_text(json.dumps([{"Werk": "Orbital", "Von": "Samantha Harvey", "n": 1}]), encoding="utf-8")
    code, out, err = alexandria("resolve", "--input", asked)
    assert (code, out) == (2, "")
    assert "no column has a usual name for the title and the author; the columns are 'Werk', 'Von', 'n'" in err
    code, out, _ = alexandria("resolve", "--input", asked, "--map", "title=Werk", "--map", "author=Von")
    [found] = json.loads(out)
    assert code == 0
    assert list(found) == ["Werk", "Von", "n", "isbn13", "verdict", "score", "source", "reasons"]
    assert (found["n"], found["verdict"]) == (1, "accept")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--title", "Orbital"],
        ["--output", "a.jsonl"],
        ["--input", "q.jsonl", "--title", "Orbital"],
        ["--input", "nowhere.jsonl"],
        ["--input", "q.jsonl", "--output", "q.jsonl"],
        ["--input", "q.jsonl", "--output", "nowhere/a.jsonl"],
        ["--input", "q.jsonl", "--map", "title"],
        ["--title", "Orbital", "--author", "A", "--map", "title=T"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_2(arguments, alexandria, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed(tmp_path / "q.jsonl", [ORBITAL])
    code, out, err = alexandria("resolve", *arguments)
    assert (code, out) == (2, ""), err
    assert answers_in(tmp_path / "q.jsonl") == [ORBITAL]


def test_a_spent_quota_exits_with_5_and_the_next_day_continues(
    alexandria, sandbox_url, database_url, tmp_path, monkeypatch
):
    """What was answered stays, and no line is paid twice. The next day is one whose units nobody has spent."""
    rows = [
        INVENTED | {"id": n, "title": f"Almanac {n} of Nowhere"} for n in range(2 * resolve_list.LOOKUP_CONCURRENCY)
    ]
    asked, target = listed(tmp_path / "q.jsonl", rows), tmp_path / "a.jsonl"
    command = ("resolve", "--input", asked, "--output", target, "--sources", "isbndb")
    httpx2.post(f"{sandbox_url}/__sandbox/reset")
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_LIMIT", str(resolve_list.LOOKUP_CONCURRENCY + 5))
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_RESERVE", "3")
    code, out, err = alexandria(*command)
    assert (code, out) == (5, ""), err
    done = len(answers_in(target))
    assert 5 <= done <= resolve_list.LOOKUP_CONCURRENCY + 5
    assert f"{done} of {len(rows)} lines answered" in err
    assert "repeat the command" in err
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE quota SET day = day - 1 WHERE name = 'isbndb'")
    code, _, err = alexandria(*command)
    assert f"{done} lines are answered already" in err
    assert [answer["id"] for answer in answers_in(target)] == list(range(len(rows)))
    stats = httpx2.get(f"{sandbox_url}/__sandbox/stats").json()
    searches = [route for route in stats["providers"]["isbndb"]["routes"] if "/books/" in route]
    assert len(searches) == len(set(searches)) == len(rows)


def test_after_ctrl_c_the_same_command_continues(alexandria, sandbox_url, database_url, tmp_path):
    """The source hangs once more lines are under way than can be; what is answered stays, a partly written line is redone."""
    rows = [
        INVENTED | {"id": n, "title": f"Almanac {n} of Nowhere"} for n in range(2 * resolve_list.LOOKUP_CONCURRENCY)
    ]
    asked, target = listed(tmp_path / "q.jsonl", rows), tmp_path / "a.jsonl"
    command = ["resolve", "--input", str(asked), "--output", str(target), "--sources", "internet_archive"]
    httpx2.post(
        f"{sandbox_url}/__sandbox/faults", content=f"internet_archive:hang@{resolve_list.LOOKUP_CONCURRENCY + 5}-"
    )
    with running("--database", database_url, *command, environment=os.environ) as (first, log):
        end = time.monotonic() + 60
        while not (target.exists() and target.read_bytes().count(b"\n") >= 4):
            assert first.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        first.send_signal(signal.SIGINT)
        assert first.wait(120) == 130
        err = os.pread(log.fileno(), 1_000_000, 0).decode()
    done = len(answers_in(target))
    assert f"{done} of {len(rows)} lines answered" in err
    with target.open("ab") as file:
        file.write(b'{"id": 3, "isbn13": nu')
    httpx2.post(f"{sandbox_url}/__sandbox/faults", content="none")
    httpx2.post(f"{sandbox_url}/__sandbox/reset")
    code, _, err = alexandria(*command)
    assert code == 0, err
    assert f"{done} lines are answered already" in err
    assert [answer["id"] for answer in answers_in(target)] == list(range(len(rows)))
    stats = httpx2.get(f"{sandbox_url}/__sandbox/stats").json()
    assert 0 < stats["providers"]["internet_archive"]["arrivals"] <= len(rows) - done
