"""Bounds in seconds of a processor that mean the same on a busy machine and where coverage is measured."""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

USUAL_PACE = 0.004  # seconds that `pace` takes on a machine with nothing else to do
TRIES = 4  # of what seems slow: once it may have met whatever else the machine does
TRACER_FACTOR = 5  # as much slower is Python code at most while its coverage is measured


def pace():
    """Seconds of a processor for the same work at all times: more where others use the caches or the other half of a core."""
    began = time.thread_time()
    total = 0
    for number in range(70_000):
        total += number % 7
        if total > 10_000:
            total = 0
    return time.thread_time() - began


def too_long(seconds, bound):
    """Return whether it took longer than the bound, by the pace of this machine."""
    return seconds > bound and seconds > bound * max(1.0, pace() / USUAL_PACE) * (
        TRACER_FACTOR if sys.gettrace() else 1
    )


def seconds_of(read: Callable[[Any], object], value: Any) -> float:
    """Seconds of a processor of this thread, without a collection of the garbage that other tests have left."""
    collects = gc.isenabled()
    gc.disable()
    try:
        began = time.thread_time()
        read(value)
        return time.thread_time() - began
    finally:
        if collects:
            gc.enable()


def variants(text: str) -> list[str]:
    """The text as often as it is tried, each time with another end, so that no cache knows it."""
    return [f"{text[:-1]}{number}" for number in range(TRIES)]


def slow(read: Callable[[Any], object], bound: float, values: Iterable[Any]) -> float | None:
    """The least seconds of some equal values if all take longer than the bound, by the pace of this machine; else None."""
    least = float("inf")
    for value in values:
        least = min(least, seconds_of(read, value))
        if not too_long(least, bound):
            return None
    return least


def slowness():
    """How many times longer than usual work takes here at this moment, waits for a processor included; at least 1."""
    taken = []
    for _ in range(15):
        began = time.perf_counter()
        pace()
        taken.append(time.perf_counter() - began)
    return max(1.0, statistics.fmean(taken) / USUAL_PACE)
