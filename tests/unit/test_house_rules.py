"""The house rules that a machine can check (CONTRIBUTING.md)."""

import ast
import re
from pathlib import Path

import alexandria
from alexandria.database import migrations

ROOT = Path(alexandria.__file__).parent
MODULES = sorted(path for path in ROOT.rglob("*.py") if "migrations/versions" not in path.as_posix())
VAGUE = {
    "utils",
    "util",
    "common",
    "helpers",
    "helper",
    "manager",
    "data",
    "info",
    "item",
    "types",
}


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def lines_of(node):
    return node.end_lineno - node.lineno + 1


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def test_functions_and_modules_are_bounded():
    """No function over 60 lines, no module over 500."""
    long = [
        f"{name_of(path)}:{node.lineno} {node.name}: {lines_of(node)} lines"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lines_of(node) > 60
    ]
    long += [name_of(path) for path in MODULES if path.read_text(encoding="utf-8").count("\n") > 500]
    assert long == []


def test_a_module_opens_with_a_sentence_and_has_a_telling_name():
    """A docstring that states what the module is or does, and a name that is not a bin for leftovers."""
    undocumented = [name_of(path) for path in MODULES if not ast.get_docstring(tree(path))]
    vague = [name_of(path) for path in MODULES if path.stem in VAGUE]
    assert (undocumented, vague) == ([], [])


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
    assert broad == ["backfill/runner.py"]


def test_sql_lives_in_sql_files():
    """But for what must run before there is a schema."""
    before_schema = {"database/embedded/server.py", "database/migrate.py"}
    statement = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP)\s+\w+", re.ASCII)
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value[:40]}"
        for path in MODULES
        if str(path.relative_to(ROOT)) not in before_schema
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and statement.match(node.value.strip())
    ]
    assert found == []


def test_migrations_are_numbered_without_a_gap():
    """Two that were written at once are found here."""
    assert [step[:5] for step in migrations.names()] == [f"{n:04}_" for n in range(1, len(migrations.names()) + 1)]


def test_migrations_use_no_code_that_changes():
    """A step of years ago would do something else with the matcher of today: steps are SQL, and import nothing of ours."""
    package = ROOT / "database" / "migrations"
    code = sorted(package.rglob("*.py"))
    assert code
    imported = {
        name
        for path in code
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [node.module or "."] if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else []
        )
    }  # fmt: skip
    ours = {name for name in imported if name == "." or name.partition(".")[0] == "alexandria"}
    assert {name for name in ours if not name.startswith("alexandria.database.migrations")} == set()


def test_sql_is_never_put_together():
    """What is executed is a named block or a constant, and everything else a parameter; no text of others becomes SQL."""
    ours = {
        "database/embedded/server.py",
        "database/migrate.py",
    }  # the database's own name, and the files of migrations
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
