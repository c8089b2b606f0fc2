"""Measure how many small faults in a module its tests find.

A mutant is the module with one fault. Lines are drawn uniformly among those where an operator applies, then one mutant
of each line. Every mutant runs in a temporary copy of the checkout, against the subject's test files, until one fails.
Exit code 1 if fewer than 85 % are found in any subject. Equivalent mutants count as survivors: a person judges them.
So do runs that were stopped for time: a test that hangs fails by its own time-out, a slow machine proves nothing.

Left alone: docstrings, annotations, assertions (they inform the type checker), log calls and `__repr__`.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

Node = TypeVar("Node", bound=ast.AST)
ROOT = Path(__file__).parents[1]
REQUIRED_SHARE = 0.85
TEST_TIMEOUT = 90  # seconds for one test, a hang in which is a find
STOP_TIMEOUT = 30.0  # seconds for a run that took too long to stop its database
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "dist", "site")


class Subject(NamedTuple):
    """Modules below src/alexandria, and the files below tests that concern them, fast ones first."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


MATCHING = (
    "unit/test_scoring.py",
    "unit/test_scoring_works.py",
    "unit/test_scoring_choice.py",
    "unit/matching/test_near_titles.py",
    "unit/matching/test_decorations.py",
    "unit/matching/test_kinds.py",
    "unit/matching/test_editions_meant.py",
    "unit/matching/test_known_titles.py",
    "unit/matching/test_world_titles.py",
    "unit/matching/test_world_names.py",
    "unit/test_matching_floor.py",
    "property/test_match.py",
)
TITLES = ("unit/test_titles.py", "unit/test_title_spelling.py", "unit/test_title_languages.py")
QUICK = "unit/test_bibliography.py"  # the quick readings of titles and names against the full ones
SUBJECTS = {
    "authors": Subject(
        ("catalogue/matching/authors.py", "catalogue/matching/names.py"), ("unit/test_authors.py", QUICK, *MATCHING)
    ),
    "titles": Subject(
        tuple(f"catalogue/matching/{name}.py" for name in ("titles", "kinds", "tongues", "numbers", "folding")),
        (*TITLES, QUICK, *MATCHING),
    ),
    "editions": Subject(
        ("catalogue/matching/editions.py", "catalogue/matching/edition_findings.py"),
        ("unit/test_editions.py", *MATCHING, "unit/test_source_selection.py"),
    ),
    "scoring": Subject(("catalogue/matching/scoring.py",), (*MATCHING, "unit/test_source_selection.py")),
    "comparison": Subject(("catalogue/matching/comparison.py", "catalogue/matching/findings.py"), (*MATCHING, *TITLES)),
    "aliases": Subject(
        (
            "catalogue/matching/aliases.py",
            "catalogue/matching/author_findings.py",
            "catalogue/matching/edition_findings.py",
        ),
        MATCHING,
    ),
    "retry_policy": Subject(
        ("backfill/retry_policy.py",),
        ("unit/test_retry_policy.py", "unit/test_status.py", "integration/test_walk.py", "integration/test_rescue.py"),
    ),
    "backfill": Subject(
        ("backfill/scheduler.py", "backfill/runner.py", "backfill/rescuer.py", "backfill/follow_up.py"),
        (
            "integration/test_walk.py",
            "integration/test_rescue.py",
            "integration/test_unwritten_outcomes.py",
            "integration/test_follow_up.py",
            "integration/test_control.py",
            "integration/test_enrich.py",
            "integration/test_schedule.py",
            "integration/test_named_months.py",
            "integration/test_months.py",
            "contract/test_trace.py",
            "integration/test_resolution.py",
            "integration/test_outage_waits.py",
            "integration/test_open_transactions.py",
            "integration/test_refused_data.py",
            "integration/test_refused_enqueues.py",
            "integration/test_further_lookups.py",
        ),
    ),
    "client": Subject(
        ("providers/client.py", "providers/metering.py"),
        (
            "unit/test_client.py",
            "unit/test_client_keys.py",
            "integration/test_breaker.py",
            "unit/test_metering.py",
            "integration/test_concurrency_limiter.py",
            "contract/test_trace.py",
            "contract/test_providers.py",
        ),
    ),
    "limits": Subject(
        (
            "providers/limits/rate.py",
            "providers/limits/concurrency.py",
            "providers/limits/session.py",
            "providers/limits/quota_day.py",
            "providers/limits/quota_ledger.py",
        ),
        (
            "unit/test_limits.py",
            "integration/test_limiter_session.py",
            "integration/test_concurrency_limiter.py",
            "integration/test_quota_ledger.py",
            "integration/test_rate_limiter.py",
            "integration/test_rate_limiter_losses.py",
            "integration/test_quota_day.py",
            "integration/test_no_credit.py",
            "integration/test_shared_limits.py",
        ),
    ),
}


class Mutant(NamedTuple):
    """One fault: `source` is the module's whole text with it."""

    line: int
    operator: str
    before: str
    after: str
    source: str


class Result(NamedTuple):
    """What the tests made of a mutant: "killed", "survived" or "timeout"; `by` is the first failure."""

    module: str
    mutant: Mutant
    outcome: str
    by: str


NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
MOVED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
Fault = tuple[str, ast.AST, ast.AST]  # operator, the node it applies to, what stands there instead


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a module's text, in the order of lines."""
    tree = ast.parse(source)
    inside = {id(node): string for string in _nodes(tree, ast.JoinedStr) for node in ast.walk(string)}
    found = []
    for operator, node, new in _faults(tree, frozenset()):
        target = inside.get(id(node), node)  # nodes in an f-string have no reliable place of their own
        after = _unparsed(target, node, new)
        before, changed = _spliced(source, target, after)
        found.append(Mutant(target.lineno, operator, _short(before), _short(after), changed))  # type: ignore[attr-defined]
    return sorted(dict.fromkeys(found), key=lambda mutant: mutant.line)


def draw(found: Sequence[tuple[str, Mutant]], count: int, seed: int) -> list[tuple[str, Mutant]]:
    """Mutants of `count` lines, one a line, of (module, mutant) pairs."""
    rng = random.Random(seed)
    lines = sorted({(module, mutant.line) for module, mutant in found})
    drawn = sorted(rng.sample(lines, min(count, len(lines))))
    return [rng.choice([one for one in found if (one[0], one[1].line) == line]) for line in drawn]


def _faults(node: ast.AST, bound: frozenset[str]) -> Iterator[Fault]:
    """The faults of `node` and of all below it. `bound` are the function's names that have a value before it."""
    if _is_left_alone(node):
        return
    yield from _faults_of(node, bound)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        names = {argument.arg for argument in _nodes(node.args, ast.arg)}
        for statement in node.body:
            yield from _faults(statement, frozenset(names))
            names |= {name.id for name in _nodes(statement, ast.Name) if isinstance(name.ctx, ast.Store)}
        yield from itertools.chain.from_iterable(_faults(each, frozenset()) for each in node.args.defaults)
        yield from itertools.chain.from_iterable(_faults(each, frozenset()) for each in node.args.kw_defaults if each)
        return
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and field not in {"annotation", "returns"}:
                yield from _faults(child, bound)


def _is_left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Assert():
            return True
        case ast.FunctionDef(name="__repr__"):
            return True
        case ast.Expr(value=ast.Constant()):  # a docstring, or the dots of a protocol
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="log")))):
            return True
    return False


def _faults_of(node: ast.AST, bound: frozenset[str]) -> Iterator[Fault]:
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield _negated(test)
        case ast.comprehension(ifs=tests):
            yield from map(_negated, tests)
        case ast.match_case(guard=ast.expr() as guard):
            yield _negated(guard)
        case ast.Compare():
            yield from _compared(node)
        case ast.BoolOp():
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield "and/or", node, ast.BoolOp(other, node.values)
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            for changed in (number + 1, number - 1):
                yield "constant +-1", node, ast.Constant(changed)
        case ast.Return(value=ast.Constant(value=False)):  # None would be the same to most callers
            yield "negate a condition", node, ast.Return(ast.Constant(value=True))
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield "return None", node, ast.Return(ast.Constant(None))
    if _can_be_dropped(node, bound):
        yield "drop a statement", node, ast.Pass()


def _negated(test: ast.expr) -> Fault:
    match test:
        case ast.UnaryOp(op=ast.Not()):
            new = test.operand
        case ast.Compare(ops=[operator]) if type(operator) in NEGATED:
            new = ast.Compare(test.left, [NEGATED[type(operator)]()], test.comparators)
        case _:
            new = ast.UnaryOp(ast.Not(), test)
    return "negate a condition", test, new


def _compared(node: ast.Compare) -> Iterator[Fault]:
    for place, operator in enumerate(node.ops):
        for name, others in (("negate a condition", NEGATED), ("move a boundary", MOVED)):
            if type(operator) in others:
                ops = [*node.ops[:place], others[type(operator)](), *node.ops[place + 1 :]]
                yield name, node, ast.Compare(node.left, ops, node.comparators)


def _can_be_dropped(node: ast.AST, bound: frozenset[str]) -> bool:
    """Not a definition that is the only one: to miss a name at once is no fault that a test has to find."""
    match node:
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break() | ast.Delete():
            return True
        case ast.Assign(targets=targets):
            stored = [name.id for target in targets for name in _nodes(target, ast.Name) if _is_stored(name)]
            return all(name in bound for name in stored) and bool(bound or not stored)
        case ast.AnnAssign(target=ast.Attribute() | ast.Subscript(), value=ast.expr()):
            return True
    return False


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _nodes(tree: ast.AST, kind: type[Node]) -> Iterator[Node]:
    return (node for node in ast.walk(tree) if isinstance(node, kind))


class _Swap(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def _unparsed(target: ast.AST, node: ast.AST, new: ast.AST) -> str:
    """`target` as text with `new` in the place of `node`; leaves the tree as it was."""
    changed = _Swap(node, new).visit(target)
    text = ast.unparse(changed)
    _Swap(new, node).visit(changed)
    return f"({text})" if isinstance(target, ast.expr) and not isinstance(target, ast.Constant) else text


def _spliced(source: str, node: ast.AST, text: str) -> tuple[str, str]:
    """What stands at `node`, and the source with `text` there instead. Columns count bytes."""
    lines = source.encode().splitlines(keepends=True)
    starts = [0, *itertools.accumulate(map(len, lines))]
    begin = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
    end = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
    whole = b"".join(lines)
    return whole[begin:end].decode(), (whole[:begin] + text.encode() + whole[end:]).decode()


def _short(text: str) -> str:
    flat = re.sub(r"\s+", " ", text)
    return flat if len(flat) <= 110 else f"{flat[:80]} ... {flat[-25:]}"


class Checkout:
    """A temporary copy of the checkout whose modules can be changed, and in which tests run."""

    def __init__(self, place: Path) -> None:
        self._root = place
        shutil.copytree(ROOT, place, ignore=NOT_COPIED)
        self._environment = os.environ | {"PYTHONPATH": str(place / "src"), "HYPOTHESIS_PROFILE": "first"}
        self._stamps = itertools.count(1_000_000_000)
        imported = self._run([sys.executable, "-c", "import alexandria; print(alexandria.__file__)"], 60.0)[1]
        if not imported.startswith(str(place)):
            raise SystemExit(f"the copy is not what is imported: {imported}")

    def test(self, tests: Sequence[str], timeout: float) -> tuple[str, str]:
        """The outcome of the tests as they stand, and the first failure."""
        options = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", f"--timeout={TEST_TIMEOUT}"]
        files = [f"tests/{file}" for file in tests]
        code, output = self._run([sys.executable, "-m", "pytest", *options, *files], timeout)
        if code is None:
            return "timeout", f"no end within {timeout:.0f} s"
        failures = re.findall(r"^(?:FAILED|ERROR) (.+)$", output, re.MULTILINE)
        if code == 5:
            raise SystemExit(f"no tests in {' '.join(files)}")
        return "survived" if code == 0 else "killed", _short(failures[0] if failures else output[-200:])

    def path(self, module: str) -> Path:
        return self._root / "src" / "alexandria" / module

    def try_out(self, module: str, mutant: Mutant, tests: Sequence[str], timeout: float) -> Result:
        ast.parse(mutant.source)  # text that cannot be read would count as killed
        path = self.path(module)
        original = path.read_text(encoding="utf-8")
        try:
            self._write(path, mutant.source)
            return Result(module, mutant, *self.test(tests, timeout))
        finally:
            self._write(path, original)

    def _write(self, path: Path, text: str) -> None:
        """With a time of its own, as compiled modules are told apart by time and size."""
        path.write_text(text, encoding="utf-8")
        stamp = next(self._stamps)
        os.utime(path, (stamp, stamp))

    def _run(self, command: Sequence[str], timeout: float) -> tuple[int | None, str]:
        """The exit code, None after `timeout` seconds, and the output."""
        with subprocess.Popen(
            command, cwd=self._root, env=self._environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as running:  # fmt: skip
            try:
                output, _ = running.communicate(timeout=timeout)
                return running.returncode, output
            except subprocess.TimeoutExpired:
                running.terminate()
                try:
                    running.communicate(timeout=STOP_TIMEOUT)
                except subprocess.TimeoutExpired:
                    running.kill()
                return None, ""


def measure(name: str, subject: Subject, checkouts: Sequence[Checkout], chosen: argparse.Namespace) -> bool:
    """Try out the mutants of a subject and print what came of them; whether enough were found."""
    sources = {module: checkouts[0].path(module).read_text(encoding="utf-8") for module in subject.modules}
    every = [(module, mutant) for module, source in sources.items() for mutant in mutants(source)]
    drawn = draw(every, chosen.count, chosen.seed)
    began = time.monotonic()
    outcome, failure = checkouts[0].test(subject.tests, 3600.0)
    if outcome != "survived":
        raise SystemExit(f"{name}: the tests fail without a mutant: {failure}")
    seconds = time.monotonic() - began
    timeout = chosen.timeout or 300 + 5 * seconds
    print(f"{name}: {len(drawn)} of {len(every)} mutants, seed {chosen.seed}, tests take {seconds:.0f} s", flush=True)
    free = queue.SimpleQueue[Checkout]()
    for checkout in checkouts:
        free.put(checkout)

    def one(module: str, mutant: Mutant) -> Result:
        checkout = free.get()
        try:
            return checkout.try_out(module, mutant, subject.tests, timeout)
        finally:
            free.put(checkout)

    with ThreadPoolExecutor(len(checkouts)) as pool:
        results = []
        for result in pool.map(one, *zip(*drawn, strict=True)):
            results.append(result)
            if chosen.verbose or result.outcome != "killed":
                print(_line(result, verbose=chosen.verbose), flush=True)
    return _report(name, results)


def _line(result: Result, *, verbose: bool) -> str:
    place = f"src/alexandria/{result.module}:{result.mutant.line}"
    text = f"  {result.outcome} {place} {result.mutant.operator}: {result.mutant.before} -> {result.mutant.after}"
    return f"{text}\n    {result.by}" if verbose and result.outcome == "killed" else text


def _report(name: str, results: Sequence[Result]) -> bool:
    late = sum(result.outcome == "timeout" for result in results)
    killed = sum(result.outcome == "killed" for result in results)
    enough = killed >= REQUIRED_SHARE * len(results)
    verdict = "enough" if enough else f"fewer than {REQUIRED_SHARE:.0%}"
    share = f"{killed / len(results):.0%}"
    print(f"{name}: {share} killed ({killed} of {len(results)}, {late} stopped for time): {verdict}", flush=True)
    return enough


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--subject", nargs="+", choices=sorted(SUBJECTS), default=list(SUBJECTS), metavar="SUBJECT",
                         help=f"of {', '.join(SUBJECTS)}; all by default")  # fmt: skip
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=15, help="lines that are drawn in each subject")
    options.add_argument("--jobs", type=int, default=2, help="mutants tried out at once")
    options.add_argument(
        "--timeout", type=float, help="seconds for the tests of one mutant; by default 300 + 5 x usual"
    )
    options.add_argument("--verbose", action="store_true", help="list what is killed too, and by which test")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutations-") as place:
        checkouts = [Checkout(Path(place) / str(number)) for number in range(chosen.jobs)]
        enough = [measure(name, SUBJECTS[name], checkouts, chosen) for name in chosen.subject]
    sys.exit(0 if all(enough) else 1)


if __name__ == "__main__":
    main()
