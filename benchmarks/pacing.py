"""Do lanes keep a rate across processes, and do they use it? Starving workers send to a local HTTP server, whose clock
counts; one JSON line a run.

used_share     sends / (limit x seconds)
windows_over   stretches of one second with more sends than the limit
share_min/max  sends of the least and the most served worker, as parts of an even share (killed workers left out)
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import multiprocessing as mp
import os
import selectors
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from alexandria.core.config import ProviderSettings
from alexandria.database import migrate
from alexandria.database.embedded.server import Embedded
from alexandria.database.pool import Database
from alexandria.database.server import with_search_path
from alexandria.providers.limits.rate import RateLimiter

LANE = "pacing"
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
STARTS_WITHIN = 60.0  # seconds
KILL_AFTER = 5.0  # seconds
HOLDER = """SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid), lane
            WHERE locktype = 'advisory' AND granted AND classid = 'lane'::regclass AND objid = lane.id
              AND held_until > 0 AND application_name LIKE 'worker %'"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--limits", type=float, nargs="+", default=[3.0, 20.0], help="requests a second, one run each")
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--processes", type=int, default=4)
    options.add_argument("--coroutines", type=int, default=25)
    options.add_argument("--kill-holder", action="store_true", help="SIGKILL whoever holds the lane")
    options.add_argument("--database-url", help="a migrated database; by default one is made for the run")
    chosen = options.parse_args()
    with _database(chosen.database_url) as url:
        results = [run(url, limit, chosen) for limit in chosen.limits]
    sys.exit(any(result["windows_over"] for result in results))


def run(url: str, limit: float, chosen: argparse.Namespace) -> dict[str, object]:
    """One run at `limit`; prints and returns its result."""
    spawn = mp.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    workers = [
        spawn.Process(target=work, args=(url, port, number, limit, chosen.coroutines), daemon=True)
        for number in range(chosen.processes)
    ]
    for worker in workers:
        worker.start()
    if not ours.poll(STARTS_WITHIN):
        sys.exit("no worker has sent anything")
    first = ours.recv()
    killed = None
    if chosen.kill_holder:
        _sleep_until(first + KILL_AFTER)
        killed = _kill_holder(url, workers)
    _sleep_until(first + chosen.seconds + 0.2)
    for worker in workers:
        worker.kill()
        worker.join()
    ours.send("stop")
    arrivals = [(at - first, worker) for at, worker in ours.recv() if at - first < chosen.seconds]
    server.join()
    result = measure(arrivals, limit, chosen.seconds, set(range(chosen.processes)) - {killed})
    print(json.dumps(result | ({"killed": killed} if chosen.kill_holder else {})), flush=True)
    return result


def measure(arrivals: list[tuple[float, int]], limit: float, seconds: float, alive: set[int]) -> dict[str, object]:
    """What the server saw: pairs of instant and worker, oldest first."""
    times = [at for at, _ in arrivals]
    allowed = max(int(limit), 1)
    stretch = max(1.0, 1.0 / limit)
    served = collections.Counter(dict.fromkeys(alive, 0))
    served.update(worker for _, worker in arrivals if worker in alive)
    even = sum(served.values()) / len(served)
    spans = [later - earlier for earlier, later in zip(times, times[allowed:], strict=False)]
    return {
        "limit": limit,
        "seconds": seconds,
        "sends": len(times),
        "used_share": round(len(times) / (limit * seconds), 4),
        "windows_over": sum(span < stretch for span in spans),
        "share_min": round(min(served.values()) / even, 3),
        "share_max": round(max(served.values()) / even, 3),
        "longest_silence": round(max(b - a for a, b in zip(times, [*times[1:], seconds], strict=True)), 3),
        "shortest_window": round(min(spans), 4),
    }


def serve(pipe: Connection) -> None:
    """A server that says 204 to everybody and notes when each request came, and whose it was."""
    arrivals: list[tuple[float, int]] = []
    with contextlib.suppress(PermissionError):
        os.nice(-10)  # it is to measure the lane, not its own delays
    with selectors.DefaultSelector() as ready, socket.create_server(("127.0.0.1", 0)) as listener:
        ready.register(listener, selectors.EVENT_READ)
        ready.register(pipe, selectors.EVENT_READ)
        pipe.send(listener.getsockname()[1])
        while True:
            for key, _ in ready.select():
                now = time.monotonic()
                if key.fileobj is pipe:
                    pipe.send(arrivals)
                    return
                if key.fileobj is listener:
                    ready.register(listener.accept()[0], selectors.EVENT_READ)
                elif (worker := _answer(key.fileobj)) is None:
                    ready.unregister(key.fileobj)
                else:
                    arrivals.append((now, worker))
                    if len(arrivals) == 1:
                        pipe.send(now)


def _answer(client: object) -> int | None:
    """The number in a request's path; None if the client has gone."""
    assert isinstance(client, socket.socket)
    try:
        request = client.recv(4096)
        client.sendall(ANSWER)
    except ConnectionError:
        return None
    return int(request.split(b" ", 2)[1].removeprefix(b"/")) if request else None


def work(url: str, port: int, number: int, limit: float, coroutines: int) -> None:
    """A worker that wants to send all the time, until it is killed."""
    asyncio.run(_starve(make_conninfo(url, application_name=f"worker {number}"), port, number, limit, coroutines))


async def _starve(url: str, port: int, number: int, limit: float, coroutines: int) -> None:
    settings = ProviderSettings(
        name=LANE, base_url="", rate=limit, timeout=10, daily_limit=None, daily_reserve=0, zone="UTC", key=None
    )
    async with Database(url, size=2) as database, RateLimiter(url, database.pool, {LANE: settings}) as lanes:
        await asyncio.gather(*(_ask_for_ever(lanes, port, number) for _ in range(coroutines)))


async def _ask_for_ever(lanes: RateLimiter, port: int, number: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        async with lanes.permit(LANE):
            writer.write(f"GET /{number} HTTP/1.1\r\nHost: pacing\r\n\r\n".encode())
            await reader.readexactly(len(ANSWER))


def _kill_holder(url: str, workers: Sequence[BaseProcess]) -> int:
    """Kill the worker whose turn it is; its number."""
    with psycopg.connect(url, autocommit=True) as connection:
        while (row := connection.execute(HOLDER).fetchone()) is None:
            pass
    number = int(row[0].removeprefix("worker "))
    workers[number].kill()
    return number


def _sleep_until(instant: float) -> None:
    time.sleep(max(instant - time.monotonic(), 0))


@contextlib.contextmanager
def _database(url: str | None) -> Iterator[str]:
    if url is not None:
        yield with_search_path(url)
        return
    with tempfile.TemporaryDirectory(prefix="pacing-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with Embedded(Path(folder) / "data") as embedded:
            migrate.upgrade(embedded.url)
            yield embedded.url


if __name__ == "__main__":
    main()
