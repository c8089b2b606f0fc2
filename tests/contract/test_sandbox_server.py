"""The sandbox as its own process: it prints its URL once it listens, and limits bursts at its socket."""

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
    """The URL of a server that runs during the test, and then stops on SIGTERM."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


async def test_a_burst_at_the_socket_is_cut_to_the_rate(url):
    """Twelve at once: three pass, nine are refused, and the stats count twelve."""
    headers = {"Authorization": "sandbox-isbndb"}
    async with httpx2.AsyncClient(base_url=url, headers=headers) as client:
        answers = await asyncio.gather(*(client.get("/isbndb/stats") for _ in range(12)))
        data = (await client.get("/__sandbox/stats")).json()["providers"]["isbndb"]
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 9
    assert (data["arrivals"], data["accepted"], data["peak_per_second"]) == (12, 3, 12)


@pytest.mark.long
async def test_small_answers_are_sent_without_delay(url):
    """Successive answers on one connection do not wait for an acknowledgement."""
    async with httpx2.AsyncClient(base_url=url) as client:
        seconds = []
        for _ in range(100):
            asked_at = time.monotonic()
            await client.get("/__sandbox/truth")
            seconds.append(time.monotonic() - asked_at)
    assert statistics.median(seconds) < 0.03  # 40 ms if held back, also on a machine with nothing else to do


@pytest.mark.long
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


def test_the_error_for_a_taken_port_names_it(url):
    port = int(url.rpartition(":")[2])
    with pytest.raises(BadInput, match=str(port)):
        serve(SandboxSettings(), port, announce=print)
