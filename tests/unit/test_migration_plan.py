"""The plan of a migration costs each step once, whatever the number of steps."""

from collections import Counter
from typing import Any

from alexandria.database import migration_plan, migrations
from alexandria.database.preflight import Facts


def test_a_plan_reads_each_step_a_few_times_and_not_once_for_each_other_one(monkeypatch):
    read: Counter[str] = Counter()
    statements = migrations.statements

    def counted(step):
        read[step] += 1
        return statements(step)

    monkeypatch.setattr(migrations, "statements", counted)
    migration_plan._tables_of_indexes.cache_clear()
    steps = migrations.names()
    nothing: dict[str, Any] = dict.fromkeys(Facts.__dataclass_fields__, False)
    assert [part.name for part in migration_plan.script(steps, Facts(**nothing), {"create_schema": ""})][1:-2] == steps
    assert set(read) == {*steps, *migrations.AFTER_STEPS}
    assert max(read.values()) <= 2
