"""The reference is generated from the code again, and compared."""

import importlib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generate():
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(DOCS)
        yield importlib.import_module("generate")


async def test_the_reference_is_up_to_date(generate, database_url):
    """If this fails, run: .venv/bin/python docs/generate.py"""
    made = await generate.pages(database_url)
    written = {page.name: page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md")}
    assert written.keys() == made.keys()
    for name, text in made.items():
        assert written[name].splitlines() == text.splitlines(), "run: .venv/bin/python docs/generate.py"


def test_the_tree_of_modules_is_up_to_date(generate):
    """As above. Every module is in it, unless it has no place among import-linter's layers."""
    page = (DOCS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert page == generate.with_tree(page), "run: .venv/bin/python docs/generate.py"
    assert page.count("\n  ") > 20


async def test_the_reference_leaves_nothing_to_guess(generate, database_url):
    """Every setting and every column that people read by psql has a meaning."""
    made = await generate.pages(database_url)
    settings = [line for line in made["configuration.md"].splitlines() if line.startswith("| `")]
    assert len(settings) > 20
    assert [line for line in settings if line.endswith("|  |")] == []
    months = made["sql.md"].partition("## `backfill_log`")[2].partition("## `")[0]
    unsaid = [line.split("`")[1] for line in months.splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert unsaid == ["id", "year", "month"]
