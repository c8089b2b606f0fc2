"""The request and response bodies about rollouts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from alexandria.core.lazy_model import LazyModel
from alexandria.operations.schemas import Flag, ShortText
from alexandria.rollout.acts import ActTarget
from alexandria.rollout.plan import MAX_PHASES, Plan, example, read

PhaseNumber = Annotated[int, Field(strict=True, ge=1, le=MAX_PHASES)]
PhaseName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
HoldId = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]
RolloutId = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]
DryRun = Annotated[Flag, Field(description="show what would follow, change nothing")]


class RolloutRequest(BaseModel):
    """Base of the requests; unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    why: Annotated[ShortText, Field(description="reason, for the log")] = ""
    dry_run: DryRun = False


class ActRequest(RolloutRequest):
    """Base of the acts on the present phase; another one than the named phase or rollout is refused with 409."""

    phase: Annotated[
        PhaseNumber | PhaseName | None,
        Field(
            description="the phase that the act is meant for, by its number (the first is 1) or name; default: the present one"
        ),
    ] = None
    rollout: Annotated[
        RolloutId | None,
        Field(description="id of the rollout that the act is meant for; default: the running one"),
    ] = None

    @property
    def target(self) -> ActTarget:
        """What the act is meant for."""
        return ActTarget(self.phase, self.rollout)


class StartRequest(RolloutRequest):
    """Start a plan; without one the default: three phases, 300 months in 20 to 25 days."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dry_run": True}]})
    plan: Plan = Field(default_factory=lambda: read(example()), description="the content of a rollout.toml, as JSON")
    replace: Annotated[Flag, Field(description="replace the rollout that runs")] = False


class ReleaseRequest(ActRequest):
    """End the hold; another one than the named is refused with 409."""

    hold: Annotated[
        HoldId | None,
        Field(description="the hold that the release is meant for, as the rollout names it; default: the present one"),
    ] = None

    @property
    def target(self) -> ActTarget:
        return ActTarget(self.phase, self.rollout, self.hold)


class ApproveRequest(ActRequest):
    """Approve the start of the next phase."""


class ReasonedRequest(ActRequest):
    """Hold or override, with a reason."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "looked at ten of the unresolved books"}]})
    why: Annotated[ShortText, Field(min_length=1, description="reason, for the log")]


class InAdvanceRequest(ReasonedRequest):
    """Override a gate before its months have ended, in any case."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "a trial run", "phase": 1}]})
    phase: Annotated[
        PhaseNumber | PhaseName, Field(description="the present phase, by its number (the first is 1) or name")
    ]


class PhaseState(LazyModel):
    """A phase and the state of its months."""

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


class GateState(LazyModel):
    """The current phase's gate: its verdict, why, and by what."""

    verdict: Annotated[str, Field(description="open, wait or shut")]
    reasons: list[str]
    gate: Annotated[dict[str, Any], Field(description="its thresholds")]
    counts: Annotated[dict[str, Any], Field(description="what they are compared with")]


class PastVerdict(LazyModel):
    """A verdict on a gate at some time, with its inputs."""

    at: datetime
    phase: str
    verdict: str
    reasons: list[str]
    inputs: Annotated[
        dict[str, Any], Field(description="the gate's thresholds, and the counts that they were compared with")
    ]


class VerdictsAnswer(LazyModel):
    """The verdicts on the gates of a rollout."""

    verdicts: Annotated[list[PastVerdict], Field(description="newest first, one for every change")]


class NextStep(LazyModel):
    """What follows. `kind` is schedule, advance, or the reason why nothing begins now."""

    kind: Annotated[
        str,
        Field(description="schedule, advance, day, budget, work, missing, approval, shut, held, paused or finished"),
    ]
    reason: str
    until: Annotated[datetime | None, Field(description="null: until another event or an operator ends it")]
    months: Annotated[list[str], Field(description="that begin; in the answer to a start those that begin first")]


class RolloutLogEntry(LazyModel):
    """An entry of the append-only log."""

    at: datetime
    who: Annotated[str, Field(description="rollout: automatically")]
    act: str
    why: str
    detail: dict[str, Any]


class RolloutAnswer(LazyModel):
    """The state of a rollout."""

    id: Annotated[int, Field(description="names it in acts")]
    name: str
    started_at: datetime
    started_by: str
    ended_at: Annotated[datetime | None, Field(description="null: it runs")]
    phase: Annotated[int, Field(description="the current one; the first is 1")]
    begins: Annotated[date, Field(description="the day on which the phase starts to schedule months")]
    phases: list[PhaseState]
    scheduled_today: int
    pace_today: Annotated[int, Field(description="most months to schedule today")]
    gate: GateState
    next: NextStep
    held: Annotated[str, Field(description="who holds it and why; empty: not held")]
    hold: Annotated[int | None, Field(description="names the hold in a release; null: not held")] = None
    overridden: Annotated[bool, Field(description="whether the current phase's gate is overridden")]
    log: Annotated[list[RolloutLogEntry], Field(description="newest first")]
    dry_run: bool
    message: str
    warnings: Annotated[
        list[str],
        Field(
            description="phases that failed after they had passed, and what the plan may not do as intended, in its present phase and those to come"
        ),
    ] = []  # noqa: RUF012 # pydantic copies it
