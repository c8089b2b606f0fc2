"""The house rules that a machine can check (CONTRIBUTING.md)."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

import alexandria
from alexandria.database import migrations

ROOT = Path(alexandria.__file__).parent
TESTS = Path(__file__).parents[1]
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


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path):
    """All nodes of a module."""
    return list(ast.walk(tree(path)))


@pytest.fixture(autouse=True, scope="module")
def _no_trees_are_left():
    """Over a million nodes would be searched for garbage with every later collection."""
    yield
    tree.cache_clear()
    nodes.cache_clear()


def functions(node):
    """The functions below a node; only statements can have some."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield child
            yield from functions(child)


def lines_of(node):
    return node.end_lineno - node.lineno + 1


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def test_functions_and_modules_are_bounded():
    """No function over 60 lines, no module over 500, in tests too."""
    bounded = [*MODULES, *sorted(TESTS.rglob("*.py"))]
    assert len(bounded) > len(MODULES) + 100
    long = [
        f"{path}:{node.lineno} {node.name}: {lines_of(node)} lines"
        for path in bounded
        for node in functions(tree(path))
        if lines_of(node) > 60
    ]
    long += [str(path) for path in bounded if path.read_text(encoding="utf-8").count("\n") > 500]
    assert long == []


def test_a_module_opens_with_a_sentence_and_has_a_telling_name():
    """A docstring that states what the module is or does, and a name that is not a bin for leftovers."""
    undocumented = [name_of(path) for path in MODULES if not ast.get_docstring(tree(path))]
    vague = [name_of(path) for path in MODULES if path.stem in VAGUE]
    assert (undocumented, vague) == ([], [])


def test_no_module_opens_with_a_question():
    """A docstring states what a module is or does."""
    questions = [name_of(path) for path in MODULES if "?" in (ast.get_docstring(tree(path)) or "").split("\n\n")[0]]
    assert questions == []


def test_the_packages_form_few_layers_without_a_cycle():
    """At most 13 packages and modules beside `__main__`, at most 60 arrows between them, and no way back. Prints them."""
    found = arrows()
    tops = {name for arrow in found for name in arrow}
    lines = [
        f"{len(tops)} packages, {len(found)} arrows:",
        *(
            f"  {name} -> {' '.join(sorted(to for origin, to in found if origin == name)) or '-'}"
            for name in sorted(tops)
        ),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    assert len(tops - {"__main__"}) <= 13
    assert len(found) <= 60
    left = set(tops)
    while left:
        free = {name for name in left if not any(origin == name and to in left for origin, to in found)}
        assert free, f"a cycle among {sorted(left)}"
        left -= free


def arrows():
    """The pairs of top-level packages (importing, imported)."""
    found = set()
    for path in MODULES:
        origin = path.relative_to(ROOT).parts[0].removesuffix(".py")
        for node in nodes(path):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "alexandria":
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.startswith("alexandria.")]
            else:
                continue
            found |= {(origin, name.split(".")[1]) for name in names}
    there = {path.stem for path in ROOT.iterdir()}
    return {(origin, to) for origin, to in found if origin not in {to, "__init__"} and to in there}


def test_no_class_name_is_there_twice():
    """One name, one thing in the whole tree."""
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(name_of(path))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


# What a number can be. A constant that is a number or a duration has one of these words in its name.
QUANTITIES = frozenset(
    [
        "AFTER",
        "ATTEMPTS",
        "BATCH",
        "BASE",
        "BOOKS",
        "BYTES",
        "CAP",
        "CODE",
        "CONCURRENCY",
        "CONNECTIONS",
        "COUNT",
        "DAY",
        "DAYS",
        "DELAY",
        "DELAYS",
        "DEVIATIONS",
        "DOUBT",
        "DRIFT",
        "FACTOR",
        "GAP",
        "GRACE",
        "GUARD",
        "HINT",
        "HOUR",
        "INTERVAL",
        "KEY",
        "LEAD",
        "LENGTH",
        "LIFETIME",
        "LIMIT",
        "LINES",
        "MARGIN",
        "MAX",
        "MIN",
        "MINUTES",
        "MODE",
        "MONTHS",
        "PAUSE",
        "PER",
        "PERCENT",
        "POINTS",
        "PRECISION",
        "QUANTILE",
        "RATE",
        "RATIO",
        "REQUESTS",
        "RESULTS",
        "ROWS",
        "RUNS",
        "SCALE",
        "SCORE",
        "SECONDS",
        "SHARE",
        "SILENCE",
        "SIZE",
        "SOURCES",
        "SPREAD",
        "STEP",
        "TIMEOUT",
        "UNITS",
        "VERSION",
        "WEIGHT",
        "WIDTH",
        "YEAR",
        "YEARS",
    ]
)


def test_a_constant_names_its_quantity():
    """HEARTBEAT_TIMEOUT, not PATIENCE: the name of a number states what it counts or measures."""
    unnamed = [
        f"{name_of(path)}:{statement.lineno} {name}"
        for path in MODULES
        if path.name != "exit_codes.py"
        for statement in tree(path).body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value and is_number(statement.value)
        for name in names_in(statement)
        if not QUANTITIES & set(name.strip("_").split("_"))
    ]
    assert unnamed == []


def names_in(statement):
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    each = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return [part.id for part in each if isinstance(part, ast.Name)]


def is_number(value):
    if isinstance(value, ast.Tuple):
        return bool(value.elts) and all(map(is_number, value.elts))
    if isinstance(value, ast.BinOp):
        return is_number(value.left) and is_number(value.right)
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "timedelta"
    return isinstance(value, ast.Constant) and type(value.value) in {int, float}


def test_everything_is_caught_in_two_places_only():
    """The worker's edge, where every failure becomes a row; and that of a call to a provider, whose failure is its own."""
    broad = [
        f"{path.relative_to(ROOT)}"
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
        and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)  # tidies up and passes it on
    ]
    assert broad == ["backfill/runner.py", "providers/failures.py"]


def test_sql_lives_in_sql_files():
    """But for what must run before there is a schema."""
    before_schema = {"database/embedded/server.py", "database/migrate.py"}
    statement = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP)\s+\w+", re.ASCII)
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value[:40]}"
        for path in MODULES
        if str(path.relative_to(ROOT)) not in before_schema
        for node in nodes(path)
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
        for node in nodes(path)
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
        "backfill/repositories/adoption.py",
    }  # the database's own name, the files of migrations, and a table of others whose name PostgreSQL itself quotes
    put_together = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in MODULES
        if str(path.relative_to(ROOT)) not in ours
        for node in nodes(path)
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


def test_one_place_walks_the_causes():
    """`origin` in core/errors.py: every other walk would need its own proof that it ends."""
    walking = {
        path.name
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in {"__cause__", "__context__"}
    }
    assert walking == {"errors.py"}


def test_no_error_is_raised_from_what_it_caused():
    """`raise a.__cause__ from a` makes a circle; so does raising again, from another, what an outer handler has caught."""
    circles = [
        (name_of(path), node.lineno)
        for path in MODULES
        for handler in nodes(path)
        if isinstance(handler, ast.ExceptHandler)
        for node in ast.walk(handler)
        if isinstance(node, ast.Raise) and node.cause is not None and isinstance(node.cause, ast.Name)
        for raised in (node.exc.values if isinstance(node.exc, ast.BoolOp) else [node.exc])
        if not isinstance(raised, ast.Call | ast.Name)
    ]
    assert circles == []
