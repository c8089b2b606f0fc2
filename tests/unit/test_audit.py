"""The dependency audit: that nothing was looked at is never taken for nothing found."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[2] / ".ci" / "audit.py"
FLAW = {"id": "PYSEC-1", "fix_versions": ["2.1"]}
WELL: dict[str, Any] = {"name": "sound", "version": "1", "vulns": []}
ILL = {"name": "ailing", "version": "2", "vulns": [FLAW]}
UNKNOWN = {"name": "unheard", "skip_reason": "Dependency not found on PyPI"}


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("dependencies", "code", "message"),
    [
        ([WELL, WELL], 0, "no known vulnerability in 2 packages"),
        ([WELL, ILL], 1, "ailing 2: PYSEC-1, fixed in 2.1"),
        ([UNKNOWN, ILL], 1, "ailing 2"),
        ([WELL, UNKNOWN], 3, "not done for 1 of 2 packages: Dependency not found"),
        ([], 3, "nothing is locked"),
    ],
)
def test_each_outcome_has_its_code_and_its_reason(audit, dependencies, code, message):
    judged, lines = audit.judge(dependencies)
    assert judged == code
    assert message in "\n".join(lines)
