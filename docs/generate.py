"""Generates docs/reference/, the overview that `alexandria --help` prints, and the tree of modules in CONTRIBUTING.md.

Run: .venv/bin/python docs/generate.py
"""

from __future__ import annotations

import ast
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from inspect import getdoc
from pathlib import Path
from typing import Any

import httpx2
import typer
from prometheus_client.parser import text_string_to_metric_families
from pydantic import AliasChoices, SecretStr

from alexandria import bootstrap
from alexandria.__main__ import OVERVIEW, OVERVIEW_WIDTH
from alexandria.backfill.status import ARROWS
from alexandria.bootstrap import Mode
from alexandria.catalogue.matching.probability import ScoreModel, score_model
from alexandria.cli.exit_codes import BLOCKED, DONE, INTERRUPTED, NO_DATABASE, NOTHING, SOME_FAILED, UNEXPECTED, USAGE
from alexandria.cli.main import ENDINGS, app
from alexandria.core import config, errors
from alexandria.core.provider_facts import PROVIDERS, PublishedLimits
from alexandria.core.servers import key_variable
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.database.embedded.server import Embedded
from alexandria.database.migrate import upgrade
from alexandria.database.pool import Connection, Row
from alexandria.web.api.reference import Operation, operations
from alexandria.web.app import create_app
from alexandria.web.errors import STATUSES

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
SOURCE = ROOT / "src" / "alexandria"
BASE = "http://127.0.0.1:8000"

CODES = {
    DONE: "success",
    UNEXPECTED: "unexpected error; from `doctor`: a check failed",
    USAGE: "wrong command, option or setting",
    NOTHING: "nothing found",
    SOME_FAILED: "finished, but some months failed",
    BLOCKED: "blocked: paused, a gate has not passed, changed in the meantime, or a quota is spent",
    NO_DATABASE: "the database cannot be reached or is not migrated",
    INTERRUPTED: "interrupted",
}

COLUMNS = """
SELECT c.relname AS table, obj_description(c.oid) AS about, a.attname AS column,
       format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS needed,
       CASE WHEN a.attidentity <> '' THEN 'numbered' ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), '') END AS default,
       coalesce(col_description(c.oid, a.attnum), '') AS meaning
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'alexandria'::regnamespace AND c.relkind = 'r'
  AND c.relname NOT LIKE 'procrastinate%' AND c.relname <> 'schema_version'
ORDER BY c.relname <> 'backfill_log', c.oid, a.attnum
"""
RULES = """
SELECT conrelid::regclass::text AS table, pg_get_constraintdef(oid) AS rule
FROM pg_constraint WHERE connamespace = 'alexandria'::regnamespace AND contype IN ('c', 'u', 'f', 'p')
ORDER BY conrelid, contype DESC, conname
"""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A server that is managed elsewhere."""

    url: str

    def ensure(self) -> None:
        return


def main() -> int:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # short, for the socket's sake
        Path(folder).chmod(0o711)
        with Embedded(Path(folder) / "data", durable=False) as server:
            upgrade(server.url)
            made = asyncio.run(pages(server.url))
    FOLDER.mkdir(exist_ok=True)
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    Path(OVERVIEW).write_text(overview(), encoding="utf-8")
    CONTRIBUTING.write_text(with_tree(CONTRIBUTING.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stderr.write(
        f"{len(made)} pages in {FOLDER.name}/, the overview of commands, and the tree in {CONTRIBUTING.name}\n"
    )
    return 0


async def pages(database_url: str) -> dict[str, str]:
    """Make every page of the reference, by file name, with the help of a migrated database."""
    settings = config.load(DATABASE_URL=SecretStr(database_url))
    async with bootstrap.running(settings, Elsewhere(database_url), Mode.SERVE) as system:
        api = create_app(system, WebhookSecrets(("none",)))
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url=BASE) as client:
            await client.get("/health/live")  # so that the counter has a sample
            exposed = (await client.get("/metrics")).text
        async with system.database.transaction() as connection:
            sql = await schema(connection)
        parts = {
            "configuration.md": configuration(),
            "cli.md": commands(),
            "http.md": http(api.openapi()),
            "sql.md": sql,
            "metrics.md": metrics(exposed),
            "scores.md": scores(score_model()),
        }
    return {name: "\n".join(lines).rstrip() + "\n" for name, lines in parts.items()}


def overview() -> str:
    """The list of commands in the colours that every terminal has, as Typer prints it."""
    looks = {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": str(OVERVIEW_WIDTH)}
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLORTERM"}} | looks
    command = [sys.executable, "-m", "alexandria", "--help"]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=True).stdout


def with_tree(page: str) -> str:
    """Replace the list of modules and their first sentences in the page, in the order in which they import each other."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = [sorted(layer.split(" | ")) for layer in reversed(contracts[0]["layers"])]
    lines = [line for layer in layers for name in layer for line in _module(name)]
    return re.sub(r"(?<=^src/alexandria/\n).*?(?=^\w)", "".join(lines), page, flags=re.MULTILINE | re.DOTALL)


def _module(name: str) -> Iterator[str]:
    """The line of a module, or of a package with the names of what is in it: the first sentence of its docstring."""
    for path, written in ((SOURCE / f"{name}.py", f"{name}.py"), (SOURCE / name / "__init__.py", f"{name}/")):
        if path.exists():
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            first = re.split(r"(?<=[?.])\s", docstring)[0]
            yield f"  {written:<13} {' '.join(first.split())}\n"
            if path.name == "__init__.py":
                yield from _contents(path.parent)


def _contents(package: Path) -> Iterator[str]:
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    packages = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    names = " ".join(sorted(modules) + sorted(packages))
    yield from (f"{line}\n" for line in textwrap.wrap(names, 118, initial_indent=" " * 18, subsequent_indent=" " * 18))


def configuration() -> list[str]:
    return [
        *_opening(
            "Configuration",
            "`Settings` in `alexandria/core/config.py` and `PROVIDERS` in `alexandria/core/provider_facts.py`",
        ),
        "Every setting is an environment variable, or a file of that name in the folder `secrets` of the data folder or in",
        "`/run/secrets`, or instead of both in the folder that `ALEXANDRIA_SECRETS_DIR` names. The environment has priority.",
        "`alexandria secret add` stores keys in such files. Empty counts as unset. Settings are read when a",
        "process starts; a key is read again when its provider refuses it. `alexandria config` shows all current values and",
        "where they come from, with secrets masked.",
        "",
        *_table(("setting", "default", "meaning"), _settings()),
        "",
        "## Settings of each provider",
        "",
        "`NAME` is one of " + ", ".join(f"`{name.upper()}`" for name in PROVIDERS) + ".",
        "",
        *_table(("setting", "meaning"), _of_providers()),
        "",
        "The defaults are the limits that the providers publish, as far as known:",
        "",
        *_table(("NAME", *PublishedLimits.model_fields), _defaults()),
    ]


def _settings() -> Iterator[tuple[str, ...]]:
    for name, field in config.Settings.model_fields.items():
        if isinstance(field.validation_alias, AliasChoices):
            default = "the user's data folder" if name == "data_dir" else _code(_joined(field.default))
            yield _code(str(field.validation_alias.choices[0])), default, field.description or ""
    for facts in PROVIDERS.values():
        if facts.key is not None:
            yield _code(facts.key.name), "", facts.key.description
        if facts.key is not None and facts.model == "MODEL@URL":
            example = key_variable(facts.key.name, "api.groq.com")
            yield _code(f"{facts.key.name}_HOST"), "", f"key of one of several servers, such as {example}"


def _of_providers() -> Iterator[tuple[str, ...]]:
    for name, field in PublishedLimits.model_fields.items():
        yield _code(f"ALEXANDRIA_NAME_{name.upper()}"), field.description or ""


def _defaults() -> Iterator[tuple[str, ...]]:
    for name, facts in PROVIDERS.items():
        values = facts.limits.model_dump().values()
        yield _code(name.upper()), *("" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
                                     for value in values)  # fmt: skip


def _joined(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def commands() -> list[str]:
    group: Any = typer.main.get_command(app)
    whole = group.make_context("alexandria", [], resilient_parsing=True)
    panels: dict[str, list[str]] = defaultdict(list)
    for name, command in group.commands.items():
        if command.hidden:  # an earlier name
            continue
        panels[command.rich_help_panel] += _commands(name, command, whole)
    return [
        *_opening("Command line", "the help of `alexandria`"),
        group.help,
        "",
        "Data goes to standard output, messages go to standard error. These options can be before or after the command:",
        "",
        *_table(("option", "meaning"), _options(group, whole)),
        *(line for panel, lines in panels.items() for line in ("", f"## {panel}", *lines)),
        "",
        "## Exit codes",
        "",
        *_table(("code", "meaning", "errors"), _exits()),
    ]


def _commands(name: str, command: Any, whole: Any) -> list[str]:
    """A command, or each one of a group."""
    if not hasattr(command, "commands"):
        return _command(name, command, whole)
    context = command.make_context(name, [], parent=whole, resilient_parsing=True)
    return [line for inner, each in command.commands.items() for line in _command(inner, each, context)]


def _command(name: str, command: Any, whole: Any) -> list[str]:
    context = command.make_context(name, [], parent=whole, resilient_parsing=True)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    options = list(_options(command, context))
    return ["", f"### `{usage}`", "", command.help, *(["", *_table(("option", "meaning"), options)] if options else [])]


def _options(command: Any, context: Any) -> Iterator[tuple[str, ...]]:
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    yield from ((_code(record[0]), record[1]) for record in records if record and "--help" not in record[0])


def _exits() -> Iterator[tuple[str, ...]]:
    kinds: dict[int, list[str]] = defaultdict(list)
    for kind in ENDINGS:
        kinds[ENDINGS[kind][0]].append("any other" if kind is errors.AlexandriaError else _code(kind.code))
    yield from ((str(code), meaning, ", ".join(kinds[code])) for code, meaning in CODES.items())


def http(description: dict[str, Any]) -> list[str]:
    schemas = description["components"]["schemas"]
    return [
        *_opening("HTTP", "the OpenAPI description that `alexandria serve` publishes at `/openapi.json`"),
        "Requests and responses are JSON. A running server shows the same reference at `/docs`. Fields and parameters that",
        "are not listed are refused, so a misspelt `dry_run` never runs live. Every error except 401 is a `Problem`.",
        *(line for operation in operations(description, BASE) for line in _operation(operation)),
        "",
        "## Bodies",
        *(line for name, schema in schemas.items() for line in _body(name, schema)),
        "",
        "## Errors",
        "",
        "`error.code` is stable, `error.message` is for people. All errors, with their HTTP status:",
        "",
        *_table(("code", "status", "meaning"), _errors()),
    ]


def _operation(operation: Operation) -> Iterator[str]:
    yield from ("", f"## `{operation.method} {operation.path}`", "")
    yield operation.summary + "." + (f" Needs the header `{operation.secret}`." if operation.secret else "")
    if operation.fields:
        rows = [(_code(f.name), _type(f.kind), _code(f.default), f.description) for f in operation.fields]
        yield from ("", *_table(("field", "type", "default", "meaning"), rows))
    yield from ("", "```sh", operation.curl, "```", "")
    answers = [(status, each["description"], _linked(each["model"])) for status, each in operation.responses.items()]
    yield from _table(("status", "response", "body"), answers)


def _type(kind: str) -> str:
    """A type with its pattern as code, since `[^` would begin a footnote."""
    return re.sub(r"\^\S+", lambda pattern: _code(pattern[0]), kind)


def _linked(model: str) -> str:
    return f"[{model}](#{model.lower()})" if model else ""


def _body(model: str, schema: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"### {model}", "")
    if "description" in schema:
        yield from (" ".join(schema["description"].split()), "")
    if "enum" in schema:
        yield "One of " + ", ".join(map(_code, schema["enum"])) + "."
        return
    rows = [(_code(name), _kind(each), each.get("description", "")) for name, each in schema["properties"].items()]
    yield from _table(("field", "type", "meaning"), rows)


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "items" in schema:
        return f"list of {_kind(schema['items'])}"
    return _linked(schema["$ref"].rpartition("/")[2]) if "$ref" in schema else str(schema.get("type", "any"))


def _errors() -> Iterator[tuple[str, ...]]:
    for kind in _kinds(errors.AlexandriaError):
        status = next(STATUSES[base] for base in kind.__mro__ if base in STATUSES)
        yield _code(kind.code), str(status), " ".join((getdoc(kind) or "").split())


def _kinds(base: type[errors.AlexandriaError]) -> Iterator[type[errors.AlexandriaError]]:
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from _kinds(kind)


async def schema(connection: Connection) -> list[str]:
    columns = await (await connection.execute(COLUMNS)).fetchall()
    rules = await (await connection.execute(RULES)).fetchall()
    arrows = [(_code(start), _code(end), when) for (start, end), when in ARROWS.items()]
    return [
        *_opening("SQL", "the comments and constraints in a migrated database"),
        "People read `backfill_log`, and write to it with care; see [psql](../how-to/psql.md). The other tables are",
        "for reading only. The tables of the job queue begin with `procrastinate_`. Times are UTC.",
        "",
        "## How the status of a month changes",
        "",
        *_table(("from", "to", "when"), arrows),
        *(line for name in dict.fromkeys(row["table"] for row in columns) for line in _relation(name, columns, rules)),
    ]


def _relation(name: str, columns: Sequence[Row], rules: Sequence[Row]) -> Iterator[str]:
    mine = [row for row in columns if row["table"] == name]
    yield from ("", f"## `{name}`", "")
    if mine[0]["about"]:
        yield from (mine[0]["about"], "")
    rows = [
        (_code(r["column"]), r["type"], "" if r["needed"] else "yes", _code(r["default"]), r["meaning"]) for r in mine
    ]
    yield from _table(("column", "type", "null", "default", "meaning"), rows)
    held = [f"- {_code(rule['rule'])}" for rule in rules if rule["table"] == name]
    yield from ("", *held) if held else ()


def metrics(exposed: str) -> list[str]:
    families = [
        family
        for family in text_string_to_metric_families(exposed)
        if family.name.startswith("alexandria_") and not family.name.endswith("_created")
    ]
    rows = []
    for family in sorted(families, key=lambda family: family.name):
        labels = sorted({label for sample in family.samples for label in sample.labels})
        name = family.name + ("_total" if family.type == "counter" else "")
        rows.append((_code(name), family.type, ", ".join(map(_code, labels)), family.documentation))
    return [
        *_opening("Metrics", "the response of `GET /metrics`"),
        "Gauges are read from the database at every scrape, so every `serve` and `up` process shows the same values. Counters",
        "are those of the process. On Linux there are also the usual `process_` metrics.",
        "",
        *_table(("metric", "type", "labels", "meaning"), rows),
    ]


def scores(model: ScoreModel) -> list[str]:
    rows = [
        (words.replace("{}", "..."), f"{cost:g}", f"{odds:+.2f}", str(model.seen[words, cost]))
        for (words, cost), odds in sorted(model.weights.items(), key=lambda item: (item[0][1], item[0][0]))
    ]
    return [
        *_opening("Scores", "alexandria/catalogue/matching/score_weights.toml"),
        f"A comparison starts with {model.start:+.2f} and adds the log-odds of its findings. The score is 100 / (1 + exp(-sum)):",
        "0 is a score of 50, +2.94 of 95, -2.94 of 5. The points decide the verdict; see",
        "[what a score means](../why/matching.md#what-a-score-means).",
        "",
        f"Version {model.version}. A finding that is not listed adds {model.per_point:+.4f} for each point,",
        f"or {model.per_veto_point:+.4f} if it refuses.",
        "",
        *_table(("finding", "points", "log-odds", "pairs"), rows),
    ]


def _opening(title: str, origin: str) -> list[str]:
    return [f"# {title}", "", f"<!-- Made by docs/generate.py from {origin}. Do not edit. -->", ""]


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


if __name__ == "__main__":
    raise SystemExit(main())
