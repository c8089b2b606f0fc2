"""Runs the targets of benchmarks/fuzz.py: on their first inputs everywhere, and for some seconds where Atheris is installed."""

import contextlib
import importlib.util
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from alexandria.core import errors

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"
SECONDS = "5"  # of each target; start it by hand for longer
TARGETS = ("hints", "lists", "dates", "names", "entities", "parameters", "refusals")


@pytest.fixture
def program(monkeypatch):
    """The program as a module, without what Atheris adds to the code."""
    plain = SimpleNamespace(instrument_imports=lambda **_: contextlib.nullcontext())
    monkeypatch.setitem(sys.modules, "atheris", plain)
    return SimpleNamespace(**runpy.run_path(str(PROGRAM)))


def test_every_target_reads_its_first_inputs(program):
    assert tuple(program.TARGETS) == tuple(program.SEEDS) == TARGETS
    for name, target in program.TARGETS.items():
        for seed in ("", *program.SEEDS[name]):
            with contextlib.suppress(errors.AlexandriaError):
                target(seed)


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.parametrize("target", TARGETS)
def test_a_target_stands_some_seconds_of_fuzzing(tmp_path, target):
    command = [sys.executable, str(PROGRAM), target, SECONDS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stderr[-4000:]
