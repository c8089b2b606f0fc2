"""What does each policy pay, and how right is it? Twelve sandbox months a policy; one JSON line each, a table on stderr.

A look-alike stands first in 12 % of all searches and 5 % of the books that models name do not exist. Every run has a
database and a sandbox of its own; providers answer at their published rates unless --times says otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

import httpx2

import stage
from alexandria.backfill.repositories import candidates, months
from alexandria.backfill.repositories.months import Claim
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.source_selection import Policy
from alexandria.core.provider_facts import PROVIDERS
from alexandria.operations.system import System
from alexandria.sandbox import SandboxSettings
from alexandria.sandbox.parts import provider_names

LOOK_ALIKES, INVENTED = 0.12, 0.05
AT_ONCE = 4  # months

Result = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", nargs="+", choices=[p.value for p in Policy], default=[p.value for p in Policy])
    parser.add_argument("--year", type=int, default=2023)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=float, default=1.0, help="the providers' rates, and one through their latency")
    options = parser.parse_args()
    results = []
    for policy in options.policies:
        results.append(measure(policy, options))
        print(json.dumps(results[-1]), flush=True)
    print_table(results)


def measure(policy: str, options: argparse.Namespace) -> Result:
    settings = SandboxSettings(
        seed=options.seed,
        look_alikes=LOOK_ALIKES,
        invented=INVENTED,
        latency_scale=1 / options.times,
        rates={name: PROVIDERS[name].limits.rate * options.times for name in provider_names()},
    )
    with stage.sandbox(settings) as url, stage.database() as server:
        seconds, books = asyncio.run(run(settings, url, server, policy, options))
        with httpx2.Client(base_url=url, trust_env=False, timeout=60) as client:
            stats = client.get("/__sandbox/stats").json()["providers"]
            judged = Counter(judge(client, book) for book in books)
    resolved = sum(judged.values()) - judged["unresolved"]
    calls = {name: told["arrivals"] for name, told in stats.items()}
    return {
        "policy": policy,
        "months": options.months,
        "books": len(books),
        "resolution_rate": round(100 * resolved / len(books), 2),
        "right": round(100 * judged["right"] / resolved, 2),
        "wrong": judged["wrong"],
        "invented_with_isbn": judged["invented"],
        "isbndb_calls_per_book": round(calls["isbndb"] / len(books), 3),
        "calls": calls,
        "answers_429": sum(told["refused"].get("429", 0) for told in stats.values()),
        "seconds": round(seconds, 1),
        "in_month": dict(Counter(book["in_month"] for book in books if book["isbn13"])),
    }


async def run(
    settings: SandboxSettings, url: str, server: Any, policy: str, options: argparse.Namespace
) -> tuple[float, list[Result]]:
    """How long the months took, and all their candidates."""
    turn = asyncio.Semaphore(AT_ONCE)
    async with stage.system(settings, url, server, policy) as system:

        async def one(claim: Claim) -> None:
            async with turn:
                await system.backfill.runner.process(claim.token, "benchmark")

        claims = await claim(system, options)
        began = time.perf_counter()
        await asyncio.gather(*map(one, claims))
        seconds = time.perf_counter() - began
        async with system.database.transaction() as connection:
            return seconds, [book for claim in claims for book in await candidates.of_month(connection, claim.month)]


async def claim(system: System, options: argparse.Namespace) -> list[Claim]:
    """The newest months of the year and those before it, scheduled."""
    first = options.year - (options.months - 1) // 12
    async with system.database.transaction() as connection:
        await months.seed(connection, first, options.year)
    done = await system.backfill.scheduler.schedule(Selection(options.months, first, options.year), "benchmark")
    async with system.database.transaction() as connection:
        rows = [await months.one(connection, month.key) for month in done.months]
    return [Claim(month.key, row["attempt_token"]) for month, row in zip(done.months, rows, strict=True) if row]


def judge(client: httpx2.Client, book: Result) -> str:
    """unresolved, right, wrong, or invented with an ISBN nevertheless; by the sandbox's own truth."""
    if book["isbn13"] is None:
        return "unresolved"
    answer = client.get("/__sandbox/truth", params={"title": book["title"], "author": book["author"]})
    truth = answer.json() if answer.status_code == 200 else {"invented": True}
    if truth["invented"]:
        return "invented"
    own = {*truth["isbns"], *(variant["isbn13"] for variant in truth["variants"] if variant["meant"])}
    return "right" if book["isbn13"] in own else "wrong"


def print_table(results: list[Result]) -> None:
    columns = ("policy", "books", "resolution_rate", "right", "invented_with_isbn", "isbndb_calls_per_book", "answers_429", "seconds")  # fmt: skip
    print("\n| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), sep="\n", file=sys.stderr)
    for result in results:
        print("| " + " | ".join(str(result[column]) for column in columns) + " |", file=sys.stderr)


if __name__ == "__main__":
    main()
