"""Has anything that is locked a known vulnerability? Leaves with 0 if not, 1 if so, and 3 if that could not be found out.

pip-audit asks a service on the network. Where that is out of reach, or knows our packages not, it would say that
nothing was found; this says why nothing was looked at.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
LOCKED = BIN.parent / "locked.txt"
PATIENCE = 180  # seconds for the service
CLEAN, VULNERABLE, UNKNOWN = 0, 1, 3


def main() -> int:
    export = ["export", "--quiet", "--frozen", "--all-extras", "--no-emit-project", "--output-file", str(LOCKED)]
    ask = ["tool", "run", "pip-audit", "--disable-pip", "--format", "json", "--requirement", str(LOCKED)]
    subprocess.run([BIN / "uv", *export], check=True)
    try:
        asked = subprocess.run([BIN / "uv", *ask], text=True, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return _told(UNKNOWN, [f"audit not done: no answer within {PATIENCE} s"])
    try:
        told = json.loads(asked.stdout)
    except ValueError:
        why = (asked.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return _told(UNKNOWN, [f"audit not done: {why}"])
    return _told(*judge(told["dependencies"]))


def judge(dependencies: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """The exit code and what to say, for what pip-audit says of each package."""
    skipped = [each for each in dependencies if "skip_reason" in each]
    found = [
        f"{each['name']} {each['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no version'}"
        for each in dependencies
        for flaw in each.get("vulns", ())
    ]
    if found:
        return VULNERABLE, found
    if skipped or not dependencies:
        why = skipped[0]["skip_reason"] if skipped else "nothing is locked"
        return UNKNOWN, [f"audit not done for {len(skipped)} of {len(dependencies)} packages: {why}"]
    return CLEAN, [f"audit: no known vulnerability in {len(dependencies)} packages"]


def _told(code: int, lines: list[str]) -> int:
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
