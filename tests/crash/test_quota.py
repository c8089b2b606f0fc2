"""Eight processes spend one day's quota while some of them are killed: what arrives at a socket is never more than it."""

import asyncio
import collections
import contextlib
import json
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE

import psycopg

from alexandria.core.config import ProviderSettings

CAP, PROCESSES, COROUTINES, UNSENT, KILLS, SEED = 300, 8, 6, 0.2, 6, 4
SETTINGS = ProviderSettings(
    name="isbndb", base_url="", rate=60, timeout=1, daily_limit=CAP, daily_reserve=0, zone="UTC", key=None
)
END = b"end"
SENDERS = """
import asyncio, os, random, socket, sys
from datetime import date
from alexandria.core import errors
from alexandria.core.config import ProviderSettings
from alexandria.database.pool import Database
from alexandria.providers.limits.quota_day import Day
from alexandria.providers.limits.rate import RateLimiter

async def send_all_the_time(lanes, wire, unsent):
    while True:
        async with lanes.permit("isbndb") as permit:
            if random.random() < unsent:
                permit.refund()
            else:
                wire.send(str(os.getpid()).encode())

async def main(url, settings, port, coroutines, unsent):
    settings = ProviderSettings.model_validate_json(settings)
    wire = socket.socket(type=socket.SOCK_DGRAM)
    wire.connect(("127.0.0.1", int(port)))
    calendar = lambda instant, zone: Day(date(2026, 11, 24), 0.0, 4e9)  # never ends, wherever the real midnight is
    async with Database(url, size=2) as database:
        async with RateLimiter(url, database.pool, {"isbndb": settings}, calendar=calendar) as lanes:
            await asyncio.gather(*(send_all_the_time(lanes, wire, float(unsent)) for _ in range(int(coroutines))))

def send():
    random.seed()
    try:
        asyncio.run(main(*sys.argv[1:]))
    except errors.QuotaSpent:
        os._exit(0)

for _ in sys.stdin:  # a line asks for a process; forked, it has nothing to import
    if (pid := os.fork()) == 0:
        send()
    print(pid, flush=True)
try:
    while True:
        print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
except ChildProcessError:
    pass
"""


class Provider(asyncio.DatagramProtocol):
    """Who sent, in the order of arrival."""

    def __init__(self):
        self.senders = []
        self.heard_all = asyncio.Event()
        self._news = asyncio.Event()

    def datagram_received(self, data, addr):
        if data == END:
            self.heard_all.set()
        else:
            self.senders.append(int(data))
            self._news.set()

    async def receives(self, count):
        while len(self.senders) < count:
            self._news.clear()
            await self._news.wait()


class Crew:
    """The processes that send; `alive` are those that were not killed."""

    def __init__(self, mother):
        self._mother = mother
        self.alive = []

    async def more(self):
        self._mother.stdin.write(b"\n")
        self.alive.append(int(await self._mother.stdout.readline()))

    def kill(self, victim):
        self.alive.remove(victim)
        os.kill(victim, signal.SIGKILL)

    async def exit_codes(self):
        """Of all of them, once the last has ended."""
        self._mother.stdin.close()
        return [int(line) async for line in self._mother.stdout]


@contextlib.asynccontextmanager
async def crew_of(url, port):
    arguments = (url, SETTINGS.model_dump_json(), str(port), str(COROUTINES), str(UNSENT))
    mother = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDERS, *arguments, stdin=PIPE, stdout=PIPE, start_new_session=True
    )
    try:
        yield Crew(mother)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(mother.pid, signal.SIGKILL)
        await mother.wait()


async def test_eight_processes_never_send_more_than_the_quota(database_url):
    """A fifth of the requests is taken back; the killed have just sent, or are any. Each unit is sent, or lost with a
    killed process, and none loses more than it had in hand."""
    rng = random.Random(SEED)
    loop = asyncio.get_running_loop()
    transport, provider = await loop.create_datagram_endpoint(Provider, local_addr=("127.0.0.1", 0))
    async with crew_of(database_url, transport.get_extra_info("sockname")[1]) as crew:
        for _ in range(PROCESSES):
            await crew.more()
        for number in range(KILLS):
            await provider.receives((number + 1) * CAP // (KILLS + 2) + rng.randrange(10))
            last = provider.senders[-1]
            crew.kill(last if number % 2 and last in crew.alive else rng.choice(crew.alive))
            await crew.more()
        exits = collections.Counter(await crew.exit_codes())
    transport.sendto(END, transport.get_extra_info("sockname"))  # arrives after all that is still to be read
    await provider.heard_all.wait()
    transport.close()
    with psycopg.connect(database_url) as connection:
        [[charged]] = connection.execute("SELECT used FROM quota").fetchall()
    sent = len(provider.senders)
    answer = {
        "cap": CAP,
        "processes": exits.total(),
        "that_sent": len(set(provider.senders)),
        "kills": KILLS,
        "sent": sent,
    }
    print(json.dumps(answer | {"charged": charged}))  # noqa: T201 # pytest -s prints it
    assert exits == {0: PROCESSES, -signal.SIGKILL: KILLS}
    assert sent <= CAP == charged
    assert CAP - sent <= KILLS * COROUTINES
