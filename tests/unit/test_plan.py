"""The plan in rollout.toml: what is read, that it survives a round trip through JSON, and how mistakes are reported."""

from pathlib import Path

import pytest

from alexandria.core.errors import BadInput
from alexandria.core.month import Month
from alexandria.rollout.plan import MAX_PLAN_LENGTH, STORED, Plan, example, members, read, read_file

MINIMAL = 'name = "one"\n[[phase]]\nname = "all"\nyears = 2023\nmonths_per_day = 5\n'


def test_the_default_plan_has_the_three_phases_of_the_guide():
    """5, 10 to 15, and 15 to 20 months a day: ten of 2023, the rest of 2020 to 2024, and 240 before."""
    plan = read(example())
    assert [phase.months_per_day for phase in plan.phase] == [(5, 5), (10, 15), (15, 20)]
    phases = members(plan)
    assert [len(months) for months in phases] == [10, 50, 240]
    assert phases[0][0] == Month(2023, 12)
    assert phases[1][0] == Month(2024, 12)
    assert len({month for months in phases for month in months}) == 300


def test_a_plan_survives_a_round_trip_through_json():
    """As it is stored and sent."""
    plan = read(example())
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan
    assert plan.model_dump(mode="json")["phase"][1]["months_per_day"] == "10..15"
    assert plan.model_dump(mode="json")["phase"][0]["hours"] == "03:00..24:00"


def test_missing_fields_have_the_documented_defaults():
    [phase] = read(MINIMAL).phase
    assert (phase.years, phase.months_per_day, phase.hours, phase.quota_share) == ((2023, 2023), (5, 5), (0, 1440), 1)
    assert phase.gate.min_resolution_rate == 0.85
    assert not phase.gate.approval


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("years = 1850", "phase 1: years: input should be greater than or equal to 1900", "2020..2024"),
        ('years = "2024..2020"', "phase 1: years: the first number must not be greater than the second", "2020..2024"),
        ("years = true", "phase 1: years: write a year", "2020..2024"),
        ("months_per_day = 0", "phase 1: months_per_day: input should be greater than or equal to 1", "10..15"),
        ('months_per_day = "5-10"', "phase 1: months_per_day: write a number", "10..15"),
        ('months_per_day = "5..7..9"', "phase 1: months_per_day: write a number", "10..15"),
        ('hours = "22:00..04:00"', "phase 1: hours: the start must be before the end", "03:00..24:00"),
        ('hours = "03:00..03:00"', "phase 1: hours: the start must be before the end", "03:00..24:00"),
        ('hours = "24:00..24:00"', "phase 1: hours: the start must be before the end", "03:00..24:00"),
        ('hours = "3 o\'clock"', "phase 1: hours: write hours of one day", "03:00..24:00"),
        ('hours = "03:00..24:30"', "phase 1: hours: the start must be before the end", "03:00..24:00"),
        ("quota_share = 1.5", "phase 1: quota_share: input should be less than or equal to 1", "0 to 1"),
        ("quota_share = nan", "phase 1: quota_share: input should be", "0 to 1"),
        ("months = 2.5", "phase 1: months: input should be a valid integer", "newest"),
        (
            "gate.min_resolution_rate = 1.0",
            "phase 1: gate: min_resolution_rate: input should be less than 1",
            "below 1",
        ),
        ("gate.min_sample = true", "phase 1: gate: min_sample: input should be a valid integer", "at least 1"),
        ("gate.min_sampel = 5", "phase 1: gate: min_sampel: there is no such field", "did you mean min_sample?"),
        ("month_per_day = 5", "phase 1: month_per_day: there is no such field", "did you mean months_per_day?"),
        ("speed = 5", "phase 1: speed: there is no such field", "fields: name, years, months"),
        ('name = ""', "phase 1: name: string should have at least 1 character", "name for people"),
        ('name = "a\\u001bb"', "phase 1: name: it does not have the expected form", "name for people"),
    ],
)
def test_a_mistake_is_reported_with_its_field_and_a_fix(line, message, hint):
    key = line.partition(" =")[0]
    rest = "".join(each + "\n" for each in MINIMAL.splitlines()[1:] if not each.startswith(f"{key} ="))
    with pytest.raises(BadInput) as refused:
        read(f'name = "one"\n{rest}{line}\n')
    assert refused.value.message.startswith(f"rollout.toml: {message}")
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name: field required"),
        ('name = "one"', "phase: field required"),
        ('name = "one"\nphase = []', "phase: tuple should have at least 1 item"),
        ('name = "one"\nphase = 5', "phase: input should be a valid tuple"),
        ('name = "one"\n[[phase]]', "phase 1: name: field required"),
        (MINIMAL + MINIMAL.partition("\n")[2], "phase 2 (all): years: all their months belong to earlier phases"),
        (MINIMAL + MINIMAL.partition("\n")[2].replace("2023", "2022"), "phase: two phases have the same name"),
        ("name = ", "Invalid value"),
        ("\ufeff" + MINIMAL, "it begins with a byte order mark"),
        (MINIMAL + "a = " + "[" * 20_000 + "]" * 20_000, "its values are nested too deeply"),
        (MINIMAL + "a = " + "{b = " * 5_000 + "1" + "}" * 5_000, "its values are nested too deeply"),
        (MINIMAL + "a. " * 20_000, "it contains a key of more parts than a plan has"),
        (MINIMAL.replace("2023", "9" * 5_000), "it contains a number that is too long"),
        (MINIMAL.replace("2023", "0x" + "f" * 5_000), "phase 1: years: write a year"),
        (MINIMAL + f'hours = "{"9" * 5_000}:00..24:00"', "phase 1: hours: write hours"),
        (MINIMAL + f"quota_share = 0x{'f' * 5_000}", "phase 1: quota_share: input should be"),
        (MINIMAL.replace('"one"', '"  "'), "name: it is blank: write a name"),
        (MINIMAL.replace('"all"', '"\u200b\u00a0"'), "phase 1: name: it is blank: write a name"),
        (MINIMAL.replace('"all"', '"a\u202eb"'), "phase 1: name: it contains a character that changes the direction"),
        (MINIMAL.replace('"all"', '"a\u2028b"'), "phase 1: name: it contains a control character or a line break"),
        (MINIMAL.replace("[[phase]]", "[phase]"), "phase: it is one table: write [[phase]], with double brackets"),
        (MINIMAL + "[[phase.gate]]\nmin_sample = 5", "phase 1: gate: it is a list: write [phase.gate]"),
        ("#" * (MAX_PLAN_LENGTH + 1), "longer than 65,536 characters"),
    ],
)
def test_text_that_is_no_plan_is_refused(text, message):
    with pytest.raises(BadInput) as refused:
        read(text)
    assert refused.value.message.startswith(f"rollout.toml: {message}")
    assert refused.value.hint


def test_two_phases_in_single_brackets_are_reported_with_the_fix():
    phase = MINIMAL.partition("\n")[2].replace("[[phase]]", "[phase]")
    with pytest.raises(BadInput, match=r"rollout\.toml: phase: ") as refused:
        read(f'name = "one"\n{phase}{phase}')
    assert refused.value.hint == "write [[phase]], with double brackets, before each phase"


def test_a_plan_that_was_started_with_such_a_name_is_still_read():
    data = read(MINIMAL).model_dump(mode="json") | {"name": " "}
    with pytest.raises(ValueError, match="it is blank"):
        Plan.model_validate(data)
    assert Plan.model_validate(data, context=STORED).name == " "


def test_a_file_is_read_up_to_its_greatest_length(tmp_path):
    file = tmp_path / "rollout.toml"
    file.write_text(MINIMAL)
    assert read_file(file) == read(MINIMAL)
    file.write_bytes(MINIMAL.encode("utf-16"))
    for wrong in (file, tmp_path, tmp_path / "none", Path("/dev/zero")):
        with pytest.raises(BadInput) as refused:
            read_file(wrong)
        assert refused.value.hint
