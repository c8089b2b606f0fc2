"""Models of the sandbox: lists of books, mostly right, equal for equal seeds."""

import json

import pytest
from rapidfuzz.distance import OSA

from alexandria.core.month import Month
from alexandria.providers import prompts
from alexandria.sandbox.llm import Asked

NOVEMBER = Month(2023, 11)


async def named(client, provider, prompt, system=""):
    """The items of a model's answer."""
    if provider == "gemini":
        body = {"contents": [{"parts": [{"text": prompt}]}], "systemInstruction": {"parts": [{"text": system}]}}
        path = "/gemini/v1/models/gemini-3.5-flash:generateContent"
        answer = await client.post(path, headers={"x-goog-api-key": "sandbox-gemini"}, json=body)
        return json.loads(answer.json()["candidates"][0]["content"]["parts"][0]["text"])["books"]
    messages = [{"role": "system", "content": system}] if system else []
    request = {"model": "grok-4.3", "messages": [*messages, {"role": "user", "content": prompt}]}
    headers = {"Authorization": "Bearer sandbox-xai"}
    answer = await client.post("/xai/v1/chat/completions", headers=headers, json=request)
    return json.loads(answer.json()["choices"][0]["message"]["content"])["books"]


async def truths(client):
    return (await client.get("/__sandbox/truth")).json()


both = pytest.mark.parametrize("provider", ["gemini", "xai"])


@pytest.mark.parametrize("variant", list(prompts.VARIANTS))
@pytest.mark.parametrize("month", [NOVEMBER, Month(2001, 5), Month(1945, 3)])
def test_every_variant_of_the_prompt_is_understood(variant, month):
    assert Asked.of([prompts.render(variant, month, 17)]) == Asked(month, 17)


@pytest.mark.parametrize(
    ("texts", "asked"),
    [
        (["Books of November 2023"], Asked(NOVEMBER, 20)),
        (["between November 1, 2023 and November 30, 2023, 12 notable works"], Asked(NOVEMBER, 12)),
        (["Month: 2023-11. Name 15 to 25 books."], Asked(NOVEMBER, 25)),
        (["In 2023, which books did November bring?"], Asked(NOVEMBER, 20)),
        (["November 2023", "List 30 of the best books of a month."], Asked(NOVEMBER, 30)),
        (["Which 2023 books do you know?"], Asked(None, 20)),
        (["Hello"], Asked(None, 20)),
    ],
)
def test_month_and_count_are_found_in_other_prompts(texts, asked):
    assert Asked.of(texts) == asked


@both
async def test_the_month_is_read_from_the_system_text(sandbox, provider):
    assert len(await named(sandbox(), provider, "Go.", "List 20 books of November 2023.")) > 5


@both
async def test_a_prompt_without_a_month_gets_an_empty_list(sandbox, provider):
    assert await named(sandbox(), provider, "Say something nice.") == []


@both
async def test_the_list_is_mostly_right_with_some_wrong_books_and_typos(sandbox, provider):
    """Over a year: no list too long, most books of the right month, the shares about as configured."""
    client = sandbox(invented=0.1, misspelt=0.1)
    lists = [await named(client, provider, f"20 books of {Month(2007, month).name}") for month in range(1, 13)]
    assert all(10 <= len(items) <= 20 for items in lists)
    answer = await truths(client)
    real = [book for book in answer if not book["invented"]]
    months = {isbn: await month_of(client, isbn) for book in real for isbn in book["isbns"]}
    right = [book for book in real if any(months[isbn] in book["months"] for isbn in book["isbns"])]
    assert len(right) / len(real) > 0.6
    assert 0.05 < 1 - len(real) / len(answer) < 0.15
    assert 0.04 < sum(map(_misspelt, real)) / len(real) < 0.16


async def month_of(client, isbn):
    return (await client.get(f"/__sandbox/truth/isbn/{isbn}")).json()["published"][:7]


def _misspelt(book):
    """One typing error (a letter added, missing or swapped) in the title or the first author; else unchanged."""
    titles, authors = (book["title"], book["true_title"]), (book["author"], book["true_authors"][0])
    return OSA.distance(*titles) + OSA.distance(*authors) == 1


@both
async def test_items_have_the_five_fields_and_rarely_an_unusual_value(sandbox, provider):
    client = sandbox()
    items = [
        item
        for month in range(1, 13)
        for item in await named(client, provider, f"20 books of {Month(2005, month).name}")
    ]
    usable = [item for item in items if isinstance(item, dict) and item.get("title") and item.get("author")]
    assert 0 < len(items) - len(usable) < 0.06 * len(items)
    assert {field for item in usable for field in item} == {"title", "author", "publisher", "format", "year"}
    assert 0 < sum(isinstance(item.get("year"), str) for item in usable) < 0.15 * len(usable)
    assert 0 < sum(len(item) < 5 for item in usable) < 0.2 * len(usable)


async def test_the_models_overlap_and_differ(sandbox):
    client = sandbox()
    for month in range(1, 13):
        for provider in ("gemini", "xai"):
            await named(client, provider, f"20 books of {Month(2004, month).name}")
    works = {
        provider: {
            book["work_id"] for book in await truths(client) if provider in book["named_by"] and not book["invented"]
        }
        for provider in ("gemini", "xai")
    }
    shared, all_ = works["gemini"] & works["xai"], works["gemini"] | works["xai"]
    assert 0.4 < len(shared) / len(all_) < 0.9


@both
async def test_answers_depend_only_on_seed_and_request(sandbox, provider):
    """They do not depend on earlier requests or their order."""
    one, other, third = sandbox(seed=5), sandbox(seed=5), sandbox(seed=6)
    first, second = "20 books of March 2011", "20 books of April 2011"
    forwards = [await named(one, provider, prompt) for prompt in (first, second)]
    backwards = [await named(other, provider, prompt) for prompt in (second, first, first)]
    assert backwards == [forwards[1], forwards[0], forwards[0]]
    assert await named(third, provider, first) != forwards[0]
    assert await truths(one) == await truths(other)


@pytest.mark.parametrize("model", ["gemini-2.0-flash", "palm-2"])
async def test_a_retired_gemini_model_is_not_found(sandbox, model):
    path = f"/gemini/v1beta/models/{model}:generateContent"
    answer = await sandbox().post(path, headers={"x-goog-api-key": "sandbox-gemini"}, json={"contents": []})
    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


async def test_a_retired_xai_model_is_not_found(sandbox):
    body = {"model": "grok-4-1-fast-non-reasoning", "messages": [{"role": "user", "content": "November 2023"}]}
    answer = await sandbox().post(
        "/xai/v1/chat/completions", headers={"Authorization": "Bearer sandbox-xai"}, json=body
    )
    assert answer.status_code == 404
    assert answer.json().keys() == {"code", "error"}


@pytest.mark.parametrize("body", ["{", "[]", '{"contents": 3}', '{"contents": [{"parts": [3]}]}'])
async def test_400_for_an_unreadable_request(sandbox, body):
    client = sandbox()
    gemini = "/gemini/v1beta/models/gemini-3.5-flash:generateContent"
    first = await client.post(gemini, headers={"x-goog-api-key": "sandbox-gemini"}, content=body)
    second = await client.post(
        "/xai/v1/chat/completions", headers={"Authorization": "Bearer sandbox-xai"}, content=body
    )
    assert (first.status_code, second.status_code) == (400, 422)
