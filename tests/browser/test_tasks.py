"""Ten tasks are done in a real browser by the steps that the documentation has; their pictures show the pages of today.

To make the pictures again: TASK_PICTURES=1 .venv/bin/python -m pytest tests/browser/test_tasks.py
"""

import json
import os
import re

import pytest

from tests.support.librarian_tasks import (
    LABELS,
    MAX_PICTURE_BYTES,
    MAX_STEPS,
    PAGE,
    PICTURES,
    TASKS,
    documented,
    labels,
    prepare,
)

pytestmark = pytest.mark.long
MAKES = bool(os.environ.get("TASK_PICTURES"))
WIDTH, HEIGHT, PICTURE_HEIGHT = 760, 420, 280
# The words on what a person presses and reads first; what follows from the time and the data is left out.
WORDS = """
    part => [...part.querySelectorAll("button, summary, label, legend, h2")].filter(each => each.checkVisibility())
        .map(each => each.innerText.trim().split("\\n")[0])
"""


def words_of(page, selector):
    found = page.locator(selector).first.evaluate(WORDS)
    return sorted({re.sub(r"\d+", "0", each) for each in found if each})


def keep_picture(page, task):
    page.locator(task.shown).first.evaluate("part => part.scrollIntoView({block: 'start'})")
    cut = {"x": 0, "y": 0, "width": WIDTH, "height": PICTURE_HEIGHT}
    page.screenshot(path=PICTURES / f"{task.name}.png", animations="disabled", caret="hide", clip=cut)
    known = labels() if LABELS.exists() else {}
    known[task.name] = words_of(page, task.shown)
    LABELS.write_text(json.dumps(known, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_each_task_is_done_by_its_documented_steps(page, site, task):
    prepare(site.database_url)
    if task.name == "approve":
        site.roll_out()
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto(site.url)
    for _, act in task.steps:
        act(page)
    task.done(page, site)
    if MAKES:
        PICTURES.mkdir(exist_ok=True)
        keep_picture(page, task)
        PAGE.write_text(documented(), "utf-8")
    assert words_of(page, task.shown) == labels()[task.name], "make the pictures again, as this file says"


def test_the_page_has_the_steps_and_a_small_picture_of_each_task():
    assert PAGE.read_text("utf-8") == documented()
    assert len(TASKS) == 10
    for task in TASKS:
        assert 1 <= len(task.steps) <= MAX_STEPS
        assert (PICTURES / f"{task.name}.png").stat().st_size <= MAX_PICTURE_BYTES
