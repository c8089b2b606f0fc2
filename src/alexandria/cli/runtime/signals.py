"""Stops a long-running process, or makes it read its secrets again: by signals, or at the end of standard input."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType
from typing import Self, TypeVar

COLLECTION_INTERVAL = 100_000  # new objects between two runs of the garbage collector, in a process that goes on
T = TypeVar("T")


class Stopping:
    """Handles SIGTERM and SIGINT while in context; after an interruption `exit_code` is 130 for SIGINT, else 0.

    SIGHUP calls `on_hangup` in the event loop, but stops the process if our terminal was closed.
    """

    def __init__(self, *, while_stdin: bool = False) -> None:
        self._while_stdin = while_stdin
        self._signal: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._attended = False
        self.on_hangup: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._take) for number in (signal.SIGTERM, signal.SIGINT)}
        self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._hang_up)
        # A process that nohup has started outlives its terminal.
        self._attended = _at_terminal() and self._before[signal.SIGHUP] != signal.SIG_IGN
        if self._while_stdin:
            threading.Thread(target=_stop_with_stdin, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        return kind is KeyboardInterrupt

    @property
    def exit_code(self) -> int:
        return 130 if self._signal == signal.SIGINT else 0

    def run(self, act: Callable[[asyncio.Event], Awaitable[T]]) -> T:
        """Run `act` in an event loop with the event that stops it."""
        gc.set_threshold(COLLECTION_INTERVAL)

        async def bound() -> T:
            self._loop = asyncio.get_running_loop()
            try:
                with _woken_by_signals(self._loop):
                    return await act(self._stop)
            finally:
                self._loop = None

        return asyncio.run(bound())

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self._signal is not None:
            return  # it is stopping already
        self._signal = number
        if self._loop is None:
            raise KeyboardInterrupt
        self._loop.call_soon_threadsafe(self._stop.set)

    def _hang_up(self, _number: int, frame: FrameType | None) -> None:
        if self._attended and not _at_terminal():
            self._take(signal.SIGTERM, frame)
        elif self._loop is not None:
            self._loop.call_soon_threadsafe(self.on_hangup)


@contextlib.contextmanager
def _woken_by_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """A signal ends the loop's wait, also one that came just before it or to another thread: handlers run in between only."""
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)
    loop.add_reader(receiver, receiver.recv, 4096)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        loop.remove_reader(receiver)
        receiver.close()
        sender.close()


def _at_terminal() -> bool:
    return any(os.isatty(stream) for stream in (0, 1, 2))


def _stop_with_stdin() -> None:
    """A parent that dies, however it dies, closes the pipe that is our standard input: no child outlives it."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
