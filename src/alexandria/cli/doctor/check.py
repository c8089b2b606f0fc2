"""One line of the doctor: what was checked, what was found, and the fix."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. `fix` is empty if the check passed; one that passed with a fix is a warning."""

    name: str
    ok: bool
    message: str
    fix: str = ""
