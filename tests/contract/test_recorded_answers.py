"""Answers in the shapes of real providers, through the real client and a real HTTP server."""

import asyncio
import contextlib
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
import stamina

from alexandria.catalogue.models import Candidate, Isbn13
from alexandria.core import errors
from alexandria.core.config import ProviderSettings
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS
from alexandria.providers.client import ProviderClient
from alexandria.providers.generator_specs import GeneratorSpec
from alexandria.providers.internet_archive import InternetArchive
from alexandria.providers.llm import LanguageModel
from alexandria.providers.open_library import OpenLibrary
from tests.support.unlimited import Unlimited

ANSWERS = Path(__file__).parent / "data" / "answers"
MARCH = Month(2003, 3)
SOUGHT = Candidate("Sample Novel", "Ann Author", 2003)
VALID = ("9780306406157", "9780198526636")  # of the three that the edition lists; the third has a wrong check digit
SEARCH = {
    "docs": [
        {"key": "/works/OL0000001W", "title": "Sample Novel", "author_name": ["Ann Author"], "isbn": ["0306406152"]}
    ]
}


@pytest.fixture(autouse=True)
def _no_waits():
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
async def served():
    """`served(provider, *bodies)` is a client of a server that answers with the bodies in turn, the last one for good; and
    the requests that it took. A body is a name in `data/answers`, JSON data, or bytes with their content coding."""
    async with contextlib.AsyncExitStack() as stack:

        async def served(provider, *bodies):
            waiting, taken = [as_sent(body) for body in bodies], []
            connections: list[Any] = []

            async def serve(reader, writer):
                connections.append(asyncio.current_task())
                with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                    while True:
                        head = (await reader.readuntil(b"\r\n\r\n")).decode()
                        lengths = [line for line in head.lower().splitlines() if line.startswith("content-length:")]
                        await reader.readexactly(int(lengths[0].partition(":")[2]) if lengths else 0)
                        taken.append(head.splitlines()[0])
                        writer.write(waiting.pop(0) if len(waiting) > 1 else waiting[0])
                        await writer.drain()
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

            async def end():
                listening.close()
                if connections:
                    await asyncio.wait(connections, timeout=5)

            listening = await asyncio.start_server(serve, "127.0.0.1")
            stack.push_async_callback(end)
            host, port = listening.sockets[0].getsockname()
            limits = PROVIDERS[provider].limits.model_dump() | {"base_url": f"http://{host}:{port}", "timeout": 5.0}
            settings = ProviderSettings(name=provider, **limits, key=None if provider == "openai" else "canary-key")
            if PROVIDERS[provider].key is None:
                settings = settings.model_copy(update={"key": None})
            store: Any = Unlimited(remembers=True)
            client = ProviderClient(settings, store, store, contact="mailto:ops@library.test", version="1")
            stack.push_async_callback(client.aclose)
            return client, taken

        yield served


def as_sent(body):
    coding = b""
    if isinstance(body, str):
        body = (ANSWERS / f"{body}.json").read_bytes()
    elif isinstance(body, tuple):
        body, coding = body[0], f"Content-Encoding: {body[1]}\r\n".encode()
    else:
        body = json.dumps(body).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + coding
    return head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def completion(text, reason="stop"):
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def suggest(client):
    url = client.settings.base_url if client.name == "openai" else ""
    return LanguageModel(GeneratorSpec(client.name, "some-model", url), client).suggest(MARCH, "baseline", 20)


@pytest.mark.parametrize("name", sorted(path.stem for path in ANSWERS.glob("compat_200_*.json")))
async def test_a_compatible_servers_list_is_read(served, name):
    client, taken = await served("openai", name)
    for _ in range(2):
        answer = await suggest(client)
        assert [(c.title, c.author, c.year) for c in answer.candidates] == [("Sample Novel", "Ann Author", 2003)]
        assert answer.dropped == ()
    assert len(taken) == 1


@pytest.mark.parametrize("provider", ["openai", "xai"])
async def test_prose_alone_is_bought_once(served, provider):
    client, taken = await served(provider, completion("I know [no] {books}."))
    for _ in range(3):
        with pytest.raises(errors.BadAnswer):
            await suggest(client)
    assert len(taken) == 1


@pytest.mark.parametrize("provider", ["open_library", "xai"])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_packed_answer_is_read_and_a_bomb_is_not(served, provider, coding):
    def pack(body):
        return (gzip.compress(body) if coding == "gzip" else zlib.compress(body), coding)

    listed = completion('{"books": [{"title": "Sample Novel", "author": "Ann Author"}]}')
    good = pack(json.dumps(listed if provider == "xai" else SEARCH).encode())
    client, _ = await served(provider, good)
    found = await (suggest(client) if provider == "xai" else OpenLibrary(client).find(SOUGHT))
    assert found
    client, taken = await served(provider, pack(b" " * 2**26))
    with pytest.raises(errors.BadAnswer, match="16 MB"):
        await (suggest(client) if provider == "xai" else OpenLibrary(client).find(SOUGHT))
    assert len(taken) == 1


async def test_an_edition_with_three_isbns_has_none_of_its_own(served):
    client, _ = await served("open_library", SEARCH, "openlibrary_200_edition_with_three_isbns")
    hits = await OpenLibrary(client).find(SOUGHT)
    edition = next(hit for hit in hits if hit.source.id == "/books/OL0000001M")
    assert edition.isbn13 is None
    assert edition.related == VALID
    assert all(hit.isbn13 is None for hit in hits)


async def test_an_edition_with_three_isbns_answers_for_the_one_that_was_asked(served):
    client, _ = await served("open_library", "openlibrary_200_edition_with_three_isbns", {"docs": []})
    found = await OpenLibrary(client).by_isbns([Isbn13.parse(VALID[0])])
    assert {isbn: hit.related for isbn, hit in found.items()} == {VALID[0]: VALID[1:]}


async def test_a_slash_in_the_brackets_of_a_title_is_part_of_it(served):
    client, _ = await served("internet_archive", "internet_archive_200_slash_in_brackets", {"metadata": {}})
    (hit,) = await InternetArchive(client).find(SOUGHT)
    assert (hit.title, hit.subtitle) == ("Sample Novel (French Language / Langue Française)", "")
