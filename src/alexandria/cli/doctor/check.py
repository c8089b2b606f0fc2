"""One line of the doctor: what was checked, what was found, and the fix."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alexandria.operations.daily_checks import DailyCheck


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. `fix` is empty if the check passed; one that passed with a fix is a warning."""

    name: str
    ok: bool
    message: str
    fix: str = ""


def to_view(check: DailyCheck | Check) -> dict[str, Any]:
    """A check as JSON data. `said` and `cure` are the earlier names of `message` and `fix`, kept for scripts."""
    return dataclasses.asdict(check) | {"said": check.message, "cure": check.fix}


def render(found: Sequence[DailyCheck | Check]) -> Iterator[str]:
    """A line for each check, and below it the fix; a check that passes and has a fix is a warning."""
    for each in found:
        mark = "FAIL" if not each.ok else "warn" if each.fix else "ok  "
        yield f"{mark} {each.name}: {each.message}"
        if each.fix:
            yield f"      fix: {each.fix}"
