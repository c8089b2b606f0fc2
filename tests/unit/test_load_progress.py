"""What `alexandria bibliography load` prints while it works."""

import io
import time
from types import SimpleNamespace

import pytest

from alexandria.bibliography.loader import INDEX, LoadProgress
from alexandria.cli.commands.bibliography import _Progress

TERMINAL_WIDTH = 80


def output(*, moving):
    printed: list[str] = []
    drawn = io.StringIO()
    return SimpleNamespace(moving=moving, message=printed.append, err=SimpleNamespace(file=drawn)), printed, drawn


@pytest.fixture
def clock(monkeypatch):
    """Seconds that the command's clock shows."""
    seconds = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    return seconds


def test_a_line_has_share_rate_and_time_left(clock):
    shown, printed, _ = output(moving=False)
    progress = _Progress(shown)
    clock[0] = 100.0
    progress.report(LoadProgress("editions", 25, 100, 2_500_000))
    assert printed == ["editions: 25%, 2,500,000 lines, 25,000/s, 5 min left"]


def test_a_pipe_has_no_end_to_reckon_with(clock):
    shown, printed, _ = output(moving=False)
    progress = _Progress(shown)
    clock[0] = 10.0
    progress.report(LoadProgress("editions", 25, None, 1000))
    assert printed == ["editions: 1,000 lines, 100/s"]


def test_a_new_phase_is_printed_at_once_and_others_now_and_then(clock):
    """The index takes a part of the time, in which nothing is read: the last line must not say so long that a second is left."""
    shown, printed, _ = output(moving=False)
    progress = _Progress(shown)
    for second, phase, done in ((1, "editions", 10), (2, "editions", 20), (3, INDEX, 0), (4, INDEX, 1), (20, INDEX, 2)):
        clock[0] = float(second)
        progress.report(LoadProgress(phase, done, 9, 1000))
    assert [line.partition(":")[0] for line in printed] == ["editions", INDEX, INDEX]
    assert printed[1:] == ["index: step 1 of 9, 1,000 lines are read", "index: step 3 of 9, 1,000 lines are read"]


@pytest.mark.parametrize("phase", ["authors and works", "editions", INDEX])
def test_the_longest_line_fits_into_a_terminal(phase, clock):
    """One that is longer than the terminal is wide would not be redrawn, but go down the screen."""
    shown, _, drawn = output(moving=True)
    progress = _Progress(shown)
    clock[0] = 9_000.0
    progress.report(LoadProgress(phase, 10**9, 10**10, 999_999_999))
    text = drawn.getvalue().removeprefix("\r\x1b[K")
    assert text.startswith(phase)
    assert len(text) < TERMINAL_WIDTH
