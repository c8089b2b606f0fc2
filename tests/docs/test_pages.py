"""Links, commands, requests, settings, SQL, tests, targets and modules in the pages exist."""

import ast
import itertools
import json
import re
import shlex
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
import typer

from alexandria.cli.main import app, hoist
from alexandria.cli.settings import listed
from alexandria.core import config
from alexandria.core.provider_facts import PublishedLimits
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.operations import bulk_curation, curation, rollout_schemas, schemas
from alexandria.operations.system import System
from alexandria.sandbox.fault_rules import read_rules
from alexandria.web.app import create_app
from tests.support import earlier_scheduler

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
BY_HAND = {name: text for name, text in TEXTS.items() if "Made by docs/generate.py" not in text}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """Every simple command of the sh blocks, as words, without comments and redirections."""
    found: list[list[str]] = [[]]
    for block in blocks(text, "sh"):
        lexer = shlex.shlex(re.sub(r"\\\n|(?<=\s)#.*", "", block), posix=True, punctuation_chars="|&;<>()\n")
        lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
        for word in lexer:
            if set(word) & set("<>") and not set(word) - set("<>&"):
                next(lexer)
                found[-1][-1:] = [] if found[-1][-1] == "2" else found[-1][-1:]
            elif set(word) <= set("|&;()\n"):
                found.append([])
            else:
                found[-1].append(word)
        found.append([])
    return [command for command in found if command]


def calls(text: str) -> list[list[str]]:
    """The arguments of every `alexandria` command in blocks and in sentences."""
    sentences = " ".join(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL).split())
    inline = [shlex.split(line) for line in re.findall(r"`((?:\w+=\S+ )*alexandria(?: [^`]+)?)`", sentences)]
    called = []
    for words in [*commands(text), *inline]:
        unset = list(itertools.dropwhile(lambda word: re.match(r"\w+=", word), words))
        if unset and Path(unset[0]).name == "alexandria":
            called.append(unset[1:])
    return called


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return create_app(cast(System, None), WebhookSecrets(("none",))).openapi()


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def test_every_link_leads_somewhere(cases):
    """To a file of the repository, and to a heading of it."""
    links = [(name, target) for name, text in TEXTS.items() for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    with cases() as case:
        for name, target in links:
            path, _, anchor = target.partition("#")
            if "://" in path:
                continue
            with case(name, target):
                page = (ROOT / name).parent / path if path else ROOT / name
                assert page.exists()
                if anchor:
                    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
                    assert anchor in map(slug, headings)


def test_the_index_leads_to_every_page():
    index = set(re.findall(r"\]\(([^)#]+)\)", TEXTS["docs/index.md"]))
    pages = {name.removeprefix("docs/") for name in TEXTS if name.startswith("docs/")}
    assert {page for page in pages if not page.startswith("decisions/")} - index == {"index.md"}


def test_every_command_exists_with_these_options(cases):
    group: Any = typer.main.get_command(app)
    with cases() as case:
        for name, arguments in ((name, arguments) for name, text in BY_HAND.items() for arguments in calls(text)):
            with case(name, arguments):
                early, later = hoist(arguments)
                whole = group.make_context("alexandria", [*early, "doctor"])
                if later and not later[0].startswith("-"):
                    assert later[0] in group.commands
                    command, a_mention = group.commands[later[0]], len(arguments) == 1
                    command.make_context(later[0], later[1:], parent=whole, resilient_parsing=a_mention)


def test_the_api_accepts_every_request(description, cases):
    """Path and method exist, and the body is valid."""
    shapes = {re.sub(r"\{\w+\}", "[^/]+", shape): methods for shape, methods in description["paths"].items()}
    bodies = vars(schemas) | vars(rollout_schemas) | vars(curation) | vars(bulk_curation)
    with cases() as case:
        for name, words in ((name, words) for name, text in TEXTS.items() for words in commands(text)):
            if words[0] != "curl" or "__sandbox" in " ".join(words):
                continue
            with case(name, words):
                address = next(word for word in words if word.startswith("http"))
                path = "/" + address.partition("://")[2].partition("/")[2].partition("?")[0]
                method = "post" if "POST" in words else "get"
                known = next(methods for shape, methods in shapes.items() if re.fullmatch(shape, path))
                body = next((after for word, after in itertools.pairwise(words) if word.startswith("--data")), None)
                if body is not None:
                    schema = known[method]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                    bodies[schema.rpartition("/")[2]].model_validate(json.loads(body))
                else:
                    assert method in known


def test_every_setting_exists():
    known = {setting.name for setting in listed(config.load(), given=False)} | {"ALEXANDRIA_SECRETS_DIR"}
    known |= {f"ALEXANDRIA_NAME_{field}".upper() for field in PublishedLimits.model_fields}
    setting = re.compile(r"\b(?:ALEXANDRIA_[A-Z_]+|[A-Z_]+_API_KEY|DATABASE_URL)\b")
    named = {(name, match) for name, text in TEXTS.items() for match in setting.findall(text)}
    assert len(named) > 50
    assert {(name, match) for name, match in named if match not in known} == set()


def test_every_statement_runs(database_url, cases):
    with cases() as case:
        for name, text in TEXTS.items():
            if statements := blocks(text, "sql"):
                with case(name), psycopg.connect(database_url) as connection:
                    if name == "docs/how-to/move-over.md":
                        earlier_scheduler.build(lambda text: connection.execute(text.encode()), "public.")
                    for statement in statements:
                        connection.execute(statement.encode())
                    connection.rollback()


def test_every_test_target_and_module_that_is_named_exists(cases):
    makefile = (ROOT / "Makefile").read_text()
    with cases() as case:
        for name, text in BY_HAND.items():
            for path, test in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", text):
                with case(name, path, test):
                    nodes = ast.walk(ast.parse((ROOT / path).read_text()))
                    assert not test or test in [node.name for node in nodes if hasattr(node, "name")]
            targets = [words[1] for words in commands(text) if words[0] == "make"]
            for target in [*targets, *re.findall(r"`make ([a-z-]+)`", text)]:
                with case(name, target):
                    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
            for module in re.findall(r"`(?:src/)?(alexandria/[\w/*]+(?:\.\w+)?)`", text):
                with case(name, module):
                    assert list((ROOT / "src").glob(module))


def test_every_fault_rule_is_valid():
    page = TEXTS["docs/how-to/fault-injection.md"]
    rules = re.findall(r"^\| `([^`]+)` \||--faults '?([^' \n]+)|faults' --data-raw '([^']+)", page, re.MULTILINE)
    assert len(rules) > 5
    assert all(read_rules("".join(rule)) or rule[2] == "none" for rule in rules)


def test_no_page_contains_paths_of_a_machine():
    """Pages contain no paths of the machine on which they were written."""
    found = {name: re.findall(r"/work/|/tmp/|/root\b|pypi", text, re.IGNORECASE) for name, text in TEXTS.items()}
    assert {name: paths for name, paths in found.items() if paths} == {}


def test_the_picture_is_small_and_loads_nothing():
    picture = (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")
    assert len(picture) < 100_000
    assert re.findall(r"url\((?!#)|<image|<script|@import", picture) == []
