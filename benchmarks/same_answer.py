"""Does a list get the same answers in every run? 1,000 lines, ten runs, each at another concurrency and latency.

A look-alike stands first in 12 % of all searches. A tenth of the lines is misspelt, a tenth has an author that nobody is
called, and one book stands in the list 24 times. Each run has a database and a sandbox of its own, and a process: at low
concurrency a run mostly waits, so several at once take little longer than one. One JSON line: the number of different answer
files, their digest, and the calls of each run.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing
from datetime import UTC, datetime

import stage
from alexandria.backfill import resolve_list
from alexandria.backfill.source_selection import Policy
from alexandria.operations.system import System
from alexandria.sandbox import SandboxSettings
from alexandria.sandbox.parts import provider_names
from same_questions import questions

LOOK_ALIKES = 0.12
RATE = 1000.0  # requests a second
PLENTY = 10**6  # calls a day
CONCURRENCIES = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96)  # of the runs, in turn
LATENCY_SCALES = (0.0, 0.02, 0.05)  # of the runs, in turn; a sandbox draws each latency from its own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--policy", choices=[policy.value for policy in Policy], default=Policy.BALANCED.value)
    parser.add_argument("--jobs", type=int, default=3, help="runs at once")
    options = parser.parse_args()
    lines = questions(options.lines)
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as processes:
        begun = [processes.submit(run, lines, number, options.policy) for number in range(options.runs)]
        runs = [each.result() for each in begun]
    files = {digest for digest, _ in runs}
    calls = [sum(calls.values()) / len(lines) for _, calls in runs]
    print(
        json.dumps(
            {
                "policy": options.policy,
                "lines": len(lines),
                "runs": options.runs,
                "different_files": len(files),
                "sha256": sorted(files),
                "calls_per_line": sorted({round(each, 3) for each in calls}),
                "calls": runs[0][1],
            }
        )
    )
    sys.exit(len(files) > 1)


def run(lines: Sequence[bytes], number: int, policy: str) -> tuple[str, dict[str, int]]:
    """The digest of the answers, and the calls by provider."""
    settings = SandboxSettings(
        look_alikes=LOOK_ALIKES,
        latency_scale=LATENCY_SCALES[number % len(LATENCY_SCALES)],
        rates=dict.fromkeys(provider_names(), RATE),
        daily_limits={"isbndb": PLENTY, "google_books": PLENTY},
    )
    resolve_list.LOOKUP_CONCURRENCY = CONCURRENCIES[number % len(CONCURRENCIES)]
    began = time.perf_counter()
    with stage.sandbox(settings) as url, stage.database() as server:

        async def answers() -> tuple[bytes, dict[str, int]]:
            async with stage.system(settings, url, server, policy) as system:
                return await answer_all(lines, system)

        file, calls = asyncio.run(answers())
    digest = hashlib.sha256(file).hexdigest()
    seconds = time.perf_counter() - began
    print(
        f"run {number + 1}: concurrency {resolve_list.LOOKUP_CONCURRENCY}, {seconds:.0f} s, {digest}", file=sys.stderr
    )
    return digest, calls


async def answer_all(lines: Sequence[bytes], system: System) -> tuple[bytes, dict[str, int]]:
    """The answer file, and the calls that it cost."""
    since, pool = datetime.now(UTC), system.backfill.runner.sources
    read = resolve_list.lines_of(b"\n".join(lines))
    async with aclosing(resolve_list.answers(read, pool, system.database)) as answers:
        file = b"\n".join([answer.line async for answer in answers])
    return file, await system.cache.calls_since(since)


if __name__ == "__main__":
    main()
