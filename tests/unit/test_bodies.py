"""No body is read beyond its bound, as sent or as decoded, and none keeps the event loop."""

import asyncio
import contextlib
import gzip
import json
import time
import zlib

import httpx2
import pytest

from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.providers.bodies import MAX_BODY_BYTES
from alexandria.providers.client import Request, json_of
from alexandria.providers.generator_specs import GeneratorSpec
from alexandria.providers.llm import LanguageModel
from tests.support.processor_time import too_long

BODY = b'{"found": 1}'
GIB = 2**30


@pytest.fixture(scope="module")
def bomb():
    """1 MB of gzip that is 1 GiB of blanks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    blanks = b" " * 2**24
    first, another = (packer.compress(blanks) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + another * (GIB // len(blanks) - 1)


class Sent(httpx2.AsyncByteStream):
    """A body as it comes over the wire."""

    def __init__(self, body):
        self._body = body

    async def __aiter__(self):
        for at in range(0, len(self._body), 2**16):
            yield self._body[at : at + 2**16]


def coded(body, coding="gzip"):
    return lambda _: httpx2.Response(200, stream=Sent(body), headers={"Content-Encoding": coding})


def ask(client):
    return client.fetch(Request("GET", "/thing"), lambda answer: json_of(client.name, answer))


class Endless(httpx2.AsyncByteStream):
    """A body without end, and how much of it was read."""

    read = 0

    async def __aiter__(self):
        while True:
            self.read += 2**20
            yield b" " * 2**20


@contextlib.asynccontextmanager
async def pulse():
    """The processor seconds of the event loop's thread between its beats, which no busy machine lengthens."""
    gaps, last = [0.0], time.thread_time()

    def end_gap():
        nonlocal last
        before, last = last, time.thread_time()
        gaps.append(last - before)

    async def beat():
        while True:
            await asyncio.sleep(0.005)
            end_gap()

    beating = asyncio.create_task(beat())
    yield gaps
    end_gap()
    beating.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beating


async def test_a_bomb_is_a_bad_answer_that_is_fetched_once_and_freezes_nothing(reach, answers, bomb):
    client = reach("isbndb", coded(bomb))
    began = time.process_time()
    async with pulse() as gaps:
        with pytest.raises(errors.BadAnswer, match="16 MB"):
            await ask(client)
    took = time.process_time() - began
    assert not too_long(took, 0.5)
    assert max(gaps) < took / 2
    assert len(client.sent) == 1
    assert [(call.status, call.error) for call in answers.calls] == [(200, "AnswerTooLarge")]


@pytest.mark.parametrize("provider", ["gemini", "xai"])
async def test_a_models_bomb_is_a_bad_answer_too(reach, bomb, provider):
    client = reach(provider, coded(bomb))
    with pytest.raises(errors.BadAnswer, match="16 MB"):
        await LanguageModel(GeneratorSpec(provider, "m"), client).suggest(Month(2003, 3), "baseline", 20)
    assert len(client.sent) == 1


async def test_a_body_without_end_is_read_to_the_bound_alone(reach):
    stream = Endless()
    client = reach("isbndb", lambda _: httpx2.Response(200, stream=stream))
    with pytest.raises(errors.BadAnswer, match="16 MB"):
        await ask(client)
    assert stream.read <= MAX_BODY_BYTES + 2**20


async def test_a_length_beyond_the_bound_is_believed(reach):
    stream = Endless()
    headers = {"Content-Length": str(MAX_BODY_BYTES + 1)}
    client = reach("isbndb", lambda _: httpx2.Response(200, stream=stream, headers=headers))
    with pytest.raises(errors.BadAnswer, match="16 MB"):
        await ask(client)
    assert stream.read == 0


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("identity", lambda body: body),
        ("GZIP", gzip.compress),
    ],
    ids=["gzip", "x-gzip", "deflate", "deflate without its header", "identity", "upper case"],
)
async def test_the_codings_that_are_asked_for_are_decoded(reach, coding, pack):
    client = reach("isbndb", coded(pack(BODY), coding))
    assert (await ask(client))[0] == {"found": 1}
    assert client.sent[0].headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
async def test_another_coding_is_a_bad_answer(reach, coding):
    client = reach("isbndb", coded(BODY, coding))
    with pytest.raises(errors.BadAnswer, match="coding"):
        await ask(client)


async def test_damaged_data_is_a_provider_that_is_down(reach):
    client = reach("isbndb", coded(BODY))
    with pytest.raises(errors.ProviderDown):
        await ask(client)


@pytest.mark.parametrize("charset", ["hex", "rot13", "undefined", "idna", "utf-16", "klingon", "", "x" * 300, "\xe9"])
async def test_a_charset_that_decodes_no_text_of_the_web_does_not_count(reach, charset):
    kind = f"text/html; charset={charset}".encode("latin-1")
    client = reach("isbndb", httpx2.Response(200, content=BODY, headers=[(b"Content-Type", kind)]))
    assert (await ask(client))[0] == {"found": 1}

    page = httpx2.Response(403, content=b"<title>no entry</title>", headers=[(b"Content-Type", kind)])
    with pytest.raises(errors.KeyRefused, match="no entry"):
        await reach("isbndb", page).fetch_uncached(Request("GET", "/page"), lambda answer: json_of("isbndb", answer))


async def test_the_charset_of_a_page_counts(reach):
    page = httpx2.Response(403, content=b"caf\xe9 closed", headers={"Content-Type": "text/plain; Charset='ISO-8859-1'"})
    with pytest.raises(errors.KeyRefused, match="caf\xe9 closed"):
        await ask(reach("isbndb", page))


async def test_no_cookie_is_sent_back(reach):
    """One that is not ASCII broke every later request."""
    cookies = [(b"Set-Cookie", b"a=\xe9; Path=/"), (b"set-cookie", b"b=1")]
    client = reach("isbndb", lambda _: httpx2.Response(200, content=BODY, headers=cookies))
    for question in ("/books/one", "/books/two"):
        await client.fetch_uncached(Request("GET", question), lambda answer: json_of("isbndb", answer))
    assert [request.headers.get("Cookie") for request in client.sent] == [None, None]


async def test_a_large_answer_is_read_beside_the_event_loop(reach):
    large = json.dumps({"found": 1, "rest": [{}] * 2**18})
    response = httpx2.Response(200, text=large)
    began = time.process_time()
    async with pulse() as gaps:
        assert (await ask(reach("isbndb", response)))[0]["found"] == 1
    assert max(gaps) < (time.process_time() - began) / 2


async def test_nesting_without_end_is_stored_without_its_depths(reach, answers):
    deep = '{"found": ' + "[" * 500 + "]" * 500 + "}"
    assert "found" in (await ask(reach("isbndb", httpx2.Response(200, text=deep))))[0]
    json.dumps([body for body, _ in answers.kept.values()])
