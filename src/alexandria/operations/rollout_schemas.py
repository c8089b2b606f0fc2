"""What do requests and answers about a rollout look like?"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from alexandria.operations.schemas import Flag, Line
from alexandria.rollout.plan import Plan, example, read

DryRun = Annotated[Flag, Field(description="show what would follow and change nothing")]


class Act(BaseModel):
    """Unknown fields are refused, as everywhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    why: Annotated[Line, Field(description="for those who wonder later")] = ""
    dry_run: DryRun = False


class StartRequest(Act):
    """Without a plan the guide's three phases: 300 months in 20 to 25 days."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dry_run": True}]})
    plan: Plan = Field(default_factory=lambda: read(example()), description="what a rollout.toml says, as JSON")
    replace: Annotated[Flag, Field(description="end the rollout that runs")] = False


class ReleaseRequest(Act):
    """Let it go on."""


class ApproveRequest(Act):
    """Agree that the next phase begins."""


class ReasonedRequest(Act):
    """An act that somebody will ask about."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "looked at ten of the unresolved books"}]})
    why: Annotated[Line, Field(min_length=1, description="for those who wonder later")]


class PhaseNow(BaseModel):
    """A phase and what its months have come to."""

    name: str
    years: str
    months_per_day: str
    hours: Annotated[str, Field(description="UTC")]
    months: int
    completed: int
    failed: int
    under_way: int
    pending: int
    state: Annotated[str, Field(description="done, present or to_come")]


class GateNow(BaseModel):
    """How the gate of the present phase is judged."""

    verdict: Annotated[str, Field(description="open, wait or shut")]
    reasons: list[str]
    gate: Annotated[dict[str, Any], Field(description="its thresholds")]
    counts: Annotated[dict[str, Any], Field(description="what they are held against")]


class PastVerdict(BaseModel):
    """How a gate was judged at some time, and by what."""

    at: datetime
    phase: str
    verdict: str
    reasons: list[str]
    inputs: Annotated[
        dict[str, Any], Field(description="the gate's thresholds, and the counts that they were held against")
    ]


class VerdictsAnswer(BaseModel):
    verdicts: Annotated[list[PastVerdict], Field(description="newest first, one for every change")]


class NextStep(BaseModel):
    """What follows. `kind` is schedule, advance, or why nothing begins just now."""

    kind: Annotated[
        str,
        Field(description="schedule, advance, day, budget, work, missing, approval, shut, held, paused or finished"),
    ]
    reason: str
    until: Annotated[datetime | None, Field(description="null: until something ends or a person acts")]
    months: list[str]


class Entry(BaseModel):
    """A line of the log that nobody can change."""

    at: datetime
    who: Annotated[str, Field(description="rollout: it went on by itself")]
    act: str
    why: str
    detail: dict[str, Any]


class RolloutAnswer(BaseModel):
    """A rollout and where it stands."""

    name: str
    started_at: datetime
    started_by: str
    ended_at: Annotated[datetime | None, Field(description="null: it runs")]
    phase: Annotated[int, Field(description="the present one; the first is 1")]
    begins: Annotated[date, Field(description="the day from which on the phase schedules months")]
    phases: list[PhaseNow]
    scheduled_today: int
    pace_today: Annotated[int, Field(description="months for today")]
    gate: GateNow
    next: NextStep
    held: Annotated[str, Field(description="by whom and why; empty: nobody holds it")]
    overridden: Annotated[bool, Field(description="whether a person has overridden the present phase's gate")]
    log: Annotated[list[Entry], Field(description="newest first")]
    dry_run: bool
    message: str
