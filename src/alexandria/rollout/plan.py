"""The plan of a rollout: the phases of rollout.toml, their pace and their gates, read and validated."""

from __future__ import annotations

import difflib
import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterable
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from alexandria.core.errors import BadInput, in_words
from alexandria.core.escaping import DIRECTION_CONTROLS
from alexandria.core.lazy_model import LazyModel
from alexandria.core.month import FIRST_YEAR, LAST_YEAR, Month, months_of_years

MAX_PLAN_LENGTH = 64 * 1024  # characters, as of any request body
MIDNIGHT_MINUTES = 24 * 60  # minutes
MAX_MONTHS_PER_DAY = 1200
MAX_PHASES = 20
MAX_NUMBER = 10**9  # no field of a plan takes a greater one
BYTE_ORDER_MARK = "\ufeff"
STORED = "stored"  # the context of validation for a plan that was started
INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Cn", "Co", "Cs", "Mn"})  # Unicode categories
LINE_BREAKING = frozenset({"Cc", "Zl", "Zp", "Cs"})
SINGLE_PHASE = re.compile(r"^[ \t]*\[[ \t]*[\"']?phase[\"']?[ \t]*\]", re.MULTILINE)
# Python reads a key of thousands of parts in quadratic time. No key of a plan has more than two.
_KEY_PART = r"(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
DEEP_KEY = re.compile(rf"(?<![\w-]){_KEY_PART}(?:[ \t]*+\.[ \t]*+{_KEY_PART}){{16}}")
SINGLE_PHASE_FIX = "write [[phase]], with double brackets, before each phase"
EXAMPLE_HINT = "see every field: alexandria rollout example"

Spec = TypeVar("Spec", bound="_Spec")


def _years(value: Any) -> Any:
    return _ends(value, 'a year such as 2023, or a range such as "2020..2024"')


def _pace(value: Any) -> Any:
    return _ends(value, 'a number such as 5, or a range such as "10..15"')


def _ends(value: Any, form: str) -> Any:
    """Both ends of "A..B" or of a single number."""
    if isinstance(value, bool):
        raise ValueError(f"write {form}")  # noqa: TRY004 # pydantic reports ValueError
    if isinstance(value, int) and abs(value) > MAX_NUMBER:  # Python writes no number of more than 4,300 digits
        raise ValueError(f"write {form}")
    if isinstance(value, int | str):
        parts = str(value).split("..")
        if len(parts) > 2 or not all(part.isascii() and part.isdigit() and len(part) < 5 for part in parts):
            raise ValueError(f"write {form}")
        value = (int(parts[0]), int(parts[-1]))
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(each) is int for each in value):
        if value[0] > value[1]:
            raise ValueError(f"the first number must not be greater than the second: write {form}")
        return tuple(value)
    raise ValueError(f"write {form}")


def _hours(value: Any) -> Any:
    """Minutes after midnight of "HH:MM..HH:MM"."""
    if isinstance(value, str):
        value = [_minute(part) for part in value.split("..")]
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(type(each) is int for each in value):
        raise ValueError('write hours of one day, UTC, such as "03:00..24:00"')
    if not 0 <= value[0] < value[1] <= MIDNIGHT_MINUTES:
        raise ValueError('the start must be before the end, within one day: write hours such as "03:00..24:00"')
    return tuple(value)


def _minute(text: str) -> int | None:
    hour, colon, minute = text.partition(":")
    if (
        not colon
        or len(text) > len("24:00")
        or not (hour + minute).isascii()
        or not (hour.isdigit() and minute.isdigit())
        or int(minute) > 59
    ):
        return None
    return int(hour) * 60 + int(minute)


def _range_text(ends: tuple[int, int]) -> str:
    return "..".join(map(str, dict.fromkeys(ends)))


def hours_text(ends: tuple[int, int]) -> str:
    """Hours as a plan has them: (180, 1440) is "03:00..24:00"."""
    return "..".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in ends)


def _readable(text: str, info: ValidationInfo) -> str:
    """A name that people can read, in one line. Plans that were started before this rule are read as they are."""
    if info.context == STORED:
        return text
    kinds = {unicodedata.category(character) for character in text}
    if not kinds - INVISIBLE:
        raise ValueError("it is blank: write a name that people can read")
    if DIRECTION_CONTROLS.search(text):
        raise ValueError("it contains a character that changes the direction of writing: type the name again")
    if kinds & LINE_BREAKING:
        raise ValueError("it contains a control character or a line break: type the name again")
    return text


def _phases(value: Any) -> Any:
    if isinstance(value, dict):
        raise ValueError(f"it is one table: {SINGLE_PHASE_FIX}")  # noqa: TRY004 # pydantic reports ValueError
    return value


def _gate(value: Any) -> Any:
    if isinstance(value, list):
        raise ValueError("it is a list: write [phase.gate], with single brackets, after its phase")  # noqa: TRY004 # as above
    return value


Years = Annotated[
    tuple[Annotated[int, Field(ge=FIRST_YEAR)], Annotated[int, Field(le=LAST_YEAR)]],
    BeforeValidator(_years, json_schema_input_type=int | str),
    PlainSerializer(_range_text),
]
Pace = Annotated[
    tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=MAX_MONTHS_PER_DAY)]],
    BeforeValidator(_pace, json_schema_input_type=int | str),
    PlainSerializer(_range_text),
]
Hours = Annotated[
    tuple[int, int], BeforeValidator(_hours, json_schema_input_type=str), PlainSerializer(hours_text)
]  # fmt: skip
Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"), AfterValidator(_readable)]


class _Spec(LazyModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Gate(_Spec):
    """The conditions for the next phase to begin. Shares are from 0 to 1."""

    min_resolution_rate: float = Field(
        0.85, ge=0, lt=1, description="share of books with an ISBN that the lower bound must reach, from 0 to below 1"
    )
    min_sample: int = Field(100, ge=1, le=1_000_000, description="books that must have been checked, at least 1")
    max_failed_share: float = Field(
        0.1, ge=0, le=1, description="share of the phase's months that may fail, from 0 to 1"
    )
    min_confirmed_share: float = Field(
        0,
        ge=0,
        lt=1,
        description="share of books with a confirmed publication month that the lower bound must reach, of those whose month a source knows; 0: not required",
    )
    min_confirmed_sample: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="books whose publication month a source must know, if a share is required; default: as min_sample",
    )
    min_quota_headroom: float = Field(
        0, ge=0, le=1, description="share of the day's quota that must be left; 0: not required"
    )
    approval: bool = Field(False, description="true: a person must approve as well")
    hold_if_failed_later: bool = Field(
        False,
        description="true: hold the rollout if months of the phase are run again later and its gate would then fail",
    )

    @property
    def confirmed_sample(self) -> int:
        """Books whose publication month must be known."""
        return self.min_sample if self.min_confirmed_sample is None else self.min_confirmed_sample


class Phase(_Spec):
    """The months of a phase, how many start a day, in which hours, and with which share of the quota."""

    name: Text = Field(description="name for people, up to 100 characters")
    years: Years = Field(description='its years, as 2023 or "2020..2024"')
    months: int | None = Field(
        None, ge=1, le=2412, description="only this many of the newest months of these years; default: all"
    )
    months_per_day: Pace = Field(
        description='as 5 or "10..15": one more after each clean day, back to the first after a day with a failure'
    )
    hours: Hours = Field((0, MIDNIGHT_MINUTES), description='when months may start, UTC, as "03:00..24:00"')
    quota_share: float = Field(1, gt=0, le=1, description="share of ISBNdb's daily quota for months, above 0 to 1")
    gate: Annotated[Gate, BeforeValidator(_gate)] = Gate()


class Plan(_Spec):
    """The phases in their order. A month belongs to the first phase that contains it."""

    name: Text = Field(description="name for people, up to 100 characters")
    phase: Annotated[tuple[Phase, ...], BeforeValidator(_phases)] = Field(
        min_length=1, max_length=MAX_PHASES, strict=False, description="one [[phase]] for each"
    )

    @model_validator(mode="after")
    def _every_phase_has_months(self) -> Plan:
        for number, (phase, months) in enumerate(zip(self.phase, members(self), strict=True), 1):
            if not months:
                raise ValueError(f"phase {number} ({phase.name}): years: all their months belong to earlier phases")
        names = [phase.name for phase in self.phase]
        if len(set(names)) < len(names):
            raise ValueError("phase: two phases have the same name")
        return self


@functools.lru_cache(maxsize=16)
def members(plan: Plan) -> tuple[tuple[Month, ...], ...]:
    """The months of each phase, newest first."""
    taken: set[Month] = set()
    phases = []
    for phase in plan.phase:
        free = (month for month in reversed([*months_of_years(*phase.years)]) if month not in taken)
        phases.append(tuple(islice(free, phase.months)))
        taken.update(phases[-1])
    return tuple(phases)


def read_file(file: Path) -> Plan:
    """Read the plan in a file. Raises BadInput."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_PLAN_LENGTH * 4 + 1)  # UTF-8 has at most 4 bytes a character
        if len(content) > MAX_PLAN_LENGTH * 4:
            raise _too_long()
        text = content.decode()
    except (OSError, UnicodeDecodeError) as unreadable:
        why = unreadable.strerror if isinstance(unreadable, OSError) else "it is not UTF-8"
        raise BadInput(f"--file {file}: {why}", hint="print an example: alexandria rollout example") from None
    return read(text)


def read(text: str) -> Plan:
    """Read the plan in a rollout.toml. Raises BadInput, which names the field and the fix."""
    if len(text) > MAX_PLAN_LENGTH:
        raise _too_long()
    if text.startswith(BYTE_ORDER_MARK):
        raise BadInput(
            "rollout.toml: it begins with a byte order mark", hint="save it as UTF-8 without a byte order mark (BOM)"
        )
    try:
        return Plan.model_validate(_parse(text))
    except ValidationError as invalid:
        raise refused(invalid) from None


def _too_long() -> BadInput:
    return BadInput(f"rollout.toml: longer than {MAX_PLAN_LENGTH:,} characters", hint="remove what is not a plan")


def _parse(text: str) -> dict[str, Any]:
    if DEEP_KEY.search(text):
        raise BadInput("rollout.toml: it contains a key of more parts than a plan has", hint=EXAMPLE_HINT)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        if SINGLE_PHASE.search(text):
            raise BadInput(f"rollout.toml: phase: {broken}", hint=SINGLE_PHASE_FIX) from None
        raise BadInput(f"rollout.toml: {broken}", hint=EXAMPLE_HINT) from None
    except RecursionError:
        hint = f"a plan has tables and values, no lists in lists; {EXAMPLE_HINT}"
        raise BadInput("rollout.toml: its values are nested too deeply", hint=hint) from None
    except ValueError:  # of a number with more digits than Python converts, or a date that does not exist
        hint = f"no number of a plan has more than 7 digits; {EXAMPLE_HINT}"
        raise BadInput(
            "rollout.toml: it contains a number that is too long or a date that does not exist", hint=hint
        ) from None


def refused(invalid: ValidationError) -> BadInput:
    """The first mistake in a plan."""
    problem = invalid.errors(include_input=False, include_url=False)[0]
    # Words that follow "function-after" and the like in a path are pydantic's own.
    path = [part for part in problem["loc"] if isinstance(part, int) or part.isidentifier()]
    where = ": ".join(_steps(path))
    if problem["type"] == "extra_forbidden":
        owner = _owner(path[:-1])
        known = [*owner.model_fields]
        close = difflib.get_close_matches(str(path[-1]), known, 1)
        return BadInput(
            f"rollout.toml: {where}: there is no such field",
            hint=f"did you mean {close[0]}?" if close else f"fields: {', '.join(known)}",
        )
    while path and isinstance(path[-1], int):  # an end of a range is no field
        path.pop()
    field = _owner(path[:-1]).model_fields.get(str(path[-1])) if path else None
    return BadInput(
        f"rollout.toml: {where}{': ' if where else ''}{in_words(problem)}",
        hint=(field.description if field else "") or EXAMPLE_HINT,
    )


def example() -> str:
    """The text of the default plan."""
    return resources.files(__package__).joinpath("default_plan.toml").read_text(encoding="utf-8")


def _owner(path: list[str | int]) -> type[_Spec]:
    """The model that has the next step of the path as a field."""
    if not path:
        return Plan
    return Gate if "gate" in path else Phase


def _steps(path: Iterable[str | int]) -> list[str]:
    """["phase", 0, "gate", "min_sample"] -> ["phase 1", "gate", "min_sample"]."""
    steps: list[str] = []
    for part in path:
        if isinstance(part, str):
            steps.append(part)
        elif steps and steps[-1] == "phase":
            steps[-1] = f"phase {part + 1}"
    return steps
