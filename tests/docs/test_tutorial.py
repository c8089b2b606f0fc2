"""The tutorial, typed in: every command in its order, with other ports and faster providers."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alexandria.catalogue.models import Isbn13
from alexandria.sandbox.parts import provider_names
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
RATE = 40

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the tutorial's commands are curl's too"),
]


def typed() -> str:
    """The tutorial's commands as a script that stops at the first one that fails."""
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", TUTORIAL.read_text(), re.MULTILINE | re.DOTALL))
    rates = ",".join(f"{name}={RATE}" for name in provider_names())
    variables = "\n".join(f"export ALEXANDRIA_{name.upper()}_RATE={RATE}" for name in provider_names())
    for written, instead in {
        "make setup\n": f"set -e\n{variables}\n",
        "$PWD/.venv/bin": str(Path(sys.executable).parent),
        "alexandria sandbox": f"alexandria sandbox --latency-scale 0.02 --rates {rates}",
        "status --watch": "work --until-idle\nalexandria status",
        "8000": str(free_port()),
        "8001": str(free_port()),
    }.items():
        assert written in script
        script = script.replace(written, instead)
    return script


def output_of(script: str, home: Path) -> str:
    """What the script prints. However it ends, nothing that it has started stays."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(
        ["bash", "-c", script], cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        printed, _ = process.communicate(timeout=400)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    assert process.returncode == 0, printed[-4000:]
    return printed


def test_the_tutorial_leads_to_ten_books(data_dir):
    """Typed in as it stands, it ends without an error, and the last table has ten books with ISBNs."""
    data_dir.mkdir(mode=0o711)
    printed = output_of(typed(), data_dir)
    assert '"status":"ready"' in printed
    assert "BAD" not in printed
    assert '"months_selected":2' in printed
    assert '"triggered":2' in printed
    assert re.search(r"completed +\| +2 +\|", printed)
    found = re.findall(r"^ (97[89]\d{10}) \| \S", printed, re.MULTILINE)
    assert len(found) == 10
    assert all(Isbn13.read(isbn) == isbn for isbn in found)
