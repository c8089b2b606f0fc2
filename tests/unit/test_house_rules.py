"""The house rules that a machine can check (CONTRIBUTING.md)."""

import ast
import re
from pathlib import Path
from statistics import median

import pytest

import alexandria

ROOT = Path(alexandria.__file__).parent
MODULES = sorted(path for path in ROOT.rglob("*.py") if "migrations/versions" not in path.as_posix())
VAGUE = {
    "utils",
    "util",
    "common",
    "helpers",
    "helper",
    "manager",
    "service",
    "services",
    "data",
    "info",
    "item",
    "types",
}


def functions():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield f"{path.relative_to(ROOT)}:{node.name}", node.end_lineno - node.lineno + 1


def test_functions_are_short():
    """Half under 10 lines, nine in ten under 30, none over 60."""
    lengths = dict(functions())
    assert {name: length for name, length in lengths.items() if length > 60} == {}
    ordered = sorted(lengths.values())
    assert median(ordered) <= 10
    assert ordered[int(len(ordered) * 0.9)] <= 30


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_one_duty(path):
    """Under 450 lines, a docstring that says what for, and a name that says it too."""
    text = path.read_text()
    assert text.count("\n") < 450
    assert ast.get_docstring(ast.parse(text))
    assert path.stem not in VAGUE


def test_everything_is_caught_in_one_place_only():
    """The worker's edge, where every failure becomes a row."""
    broad = [
        f"{path.relative_to(ROOT)}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
        and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)  # tidies up and passes it on
    ]
    assert broad == ["backfill.py"]


def test_sql_lives_in_sql_files():
    """But for what must run before there is a schema."""
    before_schema = {"store/embedded.py", "store/migrate.py"}
    statement = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP)\s+\w+", re.ASCII)
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value[:40]}"
        for path in MODULES
        if str(path.relative_to(ROOT)) not in before_schema
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and statement.match(node.value.strip())
    ]
    assert found == []


def test_migrations_are_one_chain():
    """Numbered without a gap or a double, each on the one before: two that were written at once are found here."""
    steps = sorted((ROOT / "store" / "migrations" / "versions").glob("[0-9]*.py"))
    assert [step.name[:4] for step in steps] == [f"{number:04}" for number in range(1, len(steps) + 1)]
    for number, step in enumerate(steps, 1):
        found = re.findall(r"^(?:down_)?revision.* = (.+)$", step.read_text(), re.MULTILINE)
        assert found == [f'"{number:04}"', f'"{number - 1:04}"' if number > 1 else "None"]


def test_sql_is_never_put_together():
    """What is executed is a named block or a constant, and everything else a parameter; no text of others becomes SQL."""
    ours = {"store/embedded.py", "store/migrations/step.py"}  # the database's own name, and the files of migrations
    put_together = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in MODULES
        if str(path.relative_to(ROOT)) not in ours
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"execute", "executemany", "copy", "stream"}
        and node.args
        and not _is_fixed(node.args[0])
    ]
    assert put_together == []


def _is_fixed(statement):
    """A string in the code, or a block by a name."""
    if isinstance(statement, ast.Subscript):
        return ast.unparse(statement.value) == "SQL"
    return isinstance(statement, ast.Constant)
