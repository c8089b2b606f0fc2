"""Runs the targets of benchmarks/fuzz.py for some seconds, where Atheris is installed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"
SECONDS = "5"  # of each target; start it by hand for longer
TARGETS = ("hints", "lists", "dates", "names", "entities", "parameters", "refusals")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed"),
]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_stands_some_seconds_of_fuzzing(tmp_path, target):
    command = [sys.executable, str(PROGRAM), target, SECONDS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert f'"{target}"' in PROGRAM.read_text("utf-8")
