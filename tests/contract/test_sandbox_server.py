"""The sandbox as a process of its own: it says where it listens once it does, and measures bursts at its socket."""

import asyncio
import signal
import statistics
import subprocess
import sys
import time

import httpx2
import pytest

from alexandria.core.errors import BadInput
from alexandria.sandbox import SandboxSettings, serve

PROGRAM = """
from alexandria.sandbox import SandboxSettings, serve
serve(SandboxSettings(latency_scale=0), announce=lambda url: print(url, flush=True))
"""


@pytest.fixture
def url():
    """The address of a server that runs as long as the test, and then stops when told to."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


async def test_a_burst_at_the_socket_is_cut_to_the_rate(url):
    """Twelve at once: three pass, nine are refused, and the stats saw twelve."""
    headers = {"Authorization": "sandbox-isbndb"}
    async with httpx2.AsyncClient(base_url=url, headers=headers) as client:
        answers = await asyncio.gather(*(client.get("/isbndb/stats") for _ in range(12)))
        told = (await client.get("/__sandbox/stats")).json()["providers"]["isbndb"]
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 9
    assert (told["arrivals"], told["accepted"], told["peak_per_second"]) == (12, 3, 12)


async def test_small_answers_are_not_held_back(url):
    """Asked one after the other on one connection, each answer comes at once: no waiting for an acknowledgement."""
    async with httpx2.AsyncClient(base_url=url) as client:
        seconds = []
        for _ in range(100):
            asked_at = time.monotonic()
            await client.get("/__sandbox/truth")
            seconds.append(time.monotonic() - asked_at)
    assert statistics.median(seconds) < 0.03  # 40 ms if held back, also on a machine with nothing else to do


@pytest.mark.parametrize(
    "path", ["isbndb/books/Mistery Gest Proze", "open_library/search.json?q=love&fields=*,editions"]
)
async def test_answers_are_the_same_in_every_process(url, sandbox, path):
    headers = {"Authorization": "sandbox-isbndb", "User-Agent": "Alexandria/test (tests@example.org)"}
    async with httpx2.AsyncClient(base_url=url, headers=headers) as there:
        far = await there.get(f"/{path}")
    near = await sandbox().get(f"/{path}", headers=headers)
    assert far.status_code == near.status_code == 200
    assert far.json() == near.json()


def test_a_taken_port_is_named(url):
    port = int(url.rpartition(":")[2])
    with pytest.raises(BadInput, match=str(port)):
        serve(SandboxSettings(), port, announce=print)
