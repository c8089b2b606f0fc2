"""What the pages name is there: links, commands, requests, settings, SQL, tests, targets, modules."""

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
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.operations import rollout_schemas, schemas
from alexandria.operations.system import System
from alexandria.sandbox.fault_rules import read_rules
from alexandria.web.app import create_app

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
    """The arguments of every `alexandria` in blocks and in sentences."""
    sentences = " ".join(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL).split())
    said = [shlex.split(line) for line in re.findall(r"`((?:\w+=\S+ )*alexandria(?: [^`]+)?)`", sentences)]
    called = []
    for words in [*commands(text), *said]:
        unset = list(itertools.dropwhile(lambda word: re.match(r"\w+=", word), words))
        if unset and Path(unset[0]).name == "alexandria":
            called.append(unset[1:])
    return called


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return create_app(cast(System, None), WebhookSecrets(("none",))).openapi()


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_somewhere(name):
    """To a file of the repository, and to a heading of it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        page = (ROOT / name).parent / path if path else ROOT / name
        assert page.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


def test_the_index_leads_to_every_page():
    index = set(re.findall(r"\]\(([^)#]+)\)", TEXTS["docs/index.md"]))
    pages = {name.removeprefix("docs/") for name in TEXTS if name.startswith("docs/")}
    assert {page for page in pages if not page.startswith("decisions/")} - index == {"index.md"}


@pytest.mark.parametrize("name", BY_HAND)
def test_every_command_exists_with_these_options(name):
    group: Any = typer.main.get_command(app)
    for arguments in calls(BY_HAND[name]):
        early, later = hoist(arguments)
        whole = group.make_context("alexandria", [*early, "doctor"])
        if later and not later[0].startswith("-"):
            assert later[0] in group.commands, arguments
            a_mention = len(arguments) == 1
            group.commands[later[0]].make_context(later[0], later[1:], parent=whole, resilient_parsing=a_mention)


@pytest.mark.parametrize("name", TEXTS)
def test_every_request_is_one_that_the_api_takes(name, description):
    """Path and method are there, and the body is what they take."""
    for words in commands(TEXTS[name]):
        if words[0] != "curl" or "__sandbox" in " ".join(words):
            continue
        address = next(word for word in words if word.startswith("http"))
        path = "/" + address.partition("://")[2].partition("/")[2].partition("?")[0]
        method = "post" if "POST" in words else "get"
        shapes = {re.sub(r"\{\w+\}", "[^/]+", shape): told for shape, told in description["paths"].items()}
        known = next(told for shape, told in shapes.items() if re.fullmatch(shape, path))
        body = next((after for word, after in itertools.pairwise(words) if word.startswith("--data")), None)
        if body is not None:
            schema = known[method]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            taken = vars(schemas) | vars(rollout_schemas)
            taken[schema.rpartition("/")[2]].model_validate(json.loads(body))
        else:
            assert method in known


@pytest.mark.parametrize("name", TEXTS)
def test_every_setting_exists(name):
    known = {setting.name for setting in listed(config.load(), given=False)} | {"ALEXANDRIA_SECRETS_DIR"}
    known |= {f"ALEXANDRIA_NAME_{field}".upper() for field in config.ProviderDefaults.model_fields}
    assert set(re.findall(r"\b(?:ALEXANDRIA_[A-Z_]+|[A-Z_]+_API_KEY|DATABASE_URL)\b", TEXTS[name])) <= known


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if blocks(text, "sql")])
def test_every_statement_runs(name, database_url):
    with psycopg.connect(database_url) as connection:
        for block in blocks(TEXTS[name], "sql"):
            connection.execute(block.encode())
        connection.rollback()


@pytest.mark.parametrize("name", BY_HAND)
def test_every_test_target_and_module_that_is_named_exists(name):
    for path, test in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", BY_HAND[name]):
        names = [node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if hasattr(node, "name")]
        assert not test or test in names, f"{path}::{test}"
    targets = [words[1] for words in commands(BY_HAND[name]) if words[0] == "make"]
    for target in [*targets, *re.findall(r"`make ([a-z-]+)`", BY_HAND[name])]:
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
    for module in re.findall(r"`(?:src/)?(alexandria/[\w/*]+(?:\.\w+)?)`", BY_HAND[name]):
        assert list((ROOT / "src").glob(module)), module


def test_every_rule_of_faults_can_be_read():
    page = TEXTS["docs/how-to/rehearse.md"]
    rules = re.findall(r"^\| `([^`]+)` \||--faults '?([^' \n]+)|faults' --data-raw '([^']+)", page, re.MULTILINE)
    assert len(rules) > 5
    assert all(read_rules("".join(rule)) or rule[2] == "none" for rule in rules)


@pytest.mark.parametrize("name", TEXTS)
def test_no_page_speaks_of_machines(name):
    """Paths of the machine that it was written on are nobody else's business."""
    assert re.findall(r"/work/|/tmp/|/root\b|pypi", TEXTS[name], re.IGNORECASE) == []


def test_the_picture_is_small_and_asks_nobody():
    picture = (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")
    assert len(picture) < 100_000
    assert re.findall(r"url\((?!#)|<image|<script|@import", picture) == []
