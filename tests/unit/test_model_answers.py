"""A model's answer is bought once and kept as it came, whatever stands in it; what cannot be used is not bought thrice."""

import json
import threading
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.providers import book_list, llm
from alexandria.providers.client import NEGATIVE_LIFETIME
from alexandria.providers.generator_specs import GeneratorSpec
from alexandria.providers.llm import MAX_PURCHASES, LanguageModel

MARCH = Month(2003, 3)
CODE = {"title": "The Da Vinci Code", "author": "Dan Brown"}
ORYX = {"title": "Oryx and Crake", "author": "Margaret Atwood"}
CALLED = {"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def gemini(text, reason="STOP"):
    content = {"role": "model"} if text is None else {"role": "model", "parts": [{"text": text}]}
    usage = {"promptTokenCount": 412, "candidatesTokenCount": 96, "thoughtsTokenCount": 225, "totalTokenCount": 733}
    candidate = {"index": 0, "finishReason": reason, "content": content}
    return httpx2.Response(200, json={"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"})


def xai(content, reason="stop", **message):
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": content} | message}
    usage = {"prompt_tokens": 398, "completion_tokens": 101, "total_tokens": 812}
    body = {"id": "s", "object": "chat.completion", "created": 1767225600, "model": "grok-4.3", "choices": [choice]}
    return httpx2.Response(200, json=body | {"usage": usage})


def books(*items):
    return json.dumps({"books": list(items)})


USELESS = {
    "only thoughts": ("gemini", gemini(None, "MAX_TOKENS")),
    "cut off in the first book": ("gemini", gemini('{"books": [{"title": "The', "MAX_TOKENS")),
    "nothing": ("gemini", gemini(None)),
    "prose": ("gemini", gemini("I know no books.")),
    "another object": ("gemini", gemini('{"titles": []}')),
    "brackets": ("gemini", gemini("[" * 100_000)),
    "brackets of another model": ("xai", xai("[" * 100_000)),
    "digits": ("gemini", gemini("1" * 5000)),
    "a cut word": ("xai", xai('{"', "length")),
    "null": ("xai", xai(None)),
    "an empty text": ("xai", xai("")),
    "a tool call": ("xai", xai("", "tool_calls", tool_calls=[CALLED])),
}
DECLINED = {
    "safety": ("gemini", gemini(None, "SAFETY")),
    "recitation": ("gemini", gemini(books(CODE), "RECITATION")),
    "blocked prompt": ("gemini", httpx2.Response(200, json={"promptFeedback": {"blockReason": "OTHER"}})),
    "refusal": ("xai", xai(None, refusal="I can't help with that.")),
}
CASES = [pytest.param(*case, id=name) for name, case in (USELESS | DECLINED).items()]


@pytest.fixture
def model(reach):
    def model(provider, answer):
        transport = reach(provider, answer)
        return LanguageModel(GeneratorSpec(provider, "some-model"), transport), transport

    return model


@pytest.fixture
def age(answers):
    """`age(delta)` makes all stored answers older."""

    def age(by):
        for place, (body, at) in answers.kept.items():
            answers.kept[place] = (body, at - by)

    return age


def suggest(generator, count=20):
    return generator.suggest(MARCH, "baseline", count)


@pytest.mark.parametrize(("provider", "answer"), CASES)
async def test_an_answer_of_no_use_is_stored_and_read_again_instead_of_bought(model, answers, provider, answer):
    generator, transport = model(provider, lambda request: answer)
    kind = errors.ContentRefused if (provider, answer) in DECLINED.values() else errors.BadAnswer
    for _ in range(3):
        with pytest.raises(kind):
            await suggest(generator)
    assert len(transport.sent) == 1
    assert len(answers.kept) == 1
    assert list(answers.lives.values()) == [NEGATIVE_LIFETIME]


@pytest.mark.parametrize(("provider", "answer"), CASES)
async def test_it_is_bought_once_more_by_a_later_attempt_and_never_a_third_time(model, age, provider, answer):
    generator, transport = model(provider, lambda request: answer)
    for _ in range(5):
        with pytest.raises((errors.BadAnswer, errors.ContentRefused)):
            await suggest(generator)
        age(llm.SECOND_PURCHASE_DELAY)
    assert len(transport.sent) == MAX_PURCHASES == 2


@pytest.mark.parametrize(
    "case",
    [
        ("gemini", lambda: [gemini(None, "MAX_TOKENS"), gemini(books(CODE))], 10),
        ("xai", lambda: [xai(None, refusal="No."), xai(books(CODE))], 10),
        ("gemini", lambda: [gemini("I know none."), gemini(books(CODE))], 20),
    ],
    ids=["thinking", "declined", "prose"],
)
async def test_the_full_price_is_not_paid_twice_for_thoughts_or_a_refusal(model, answers, age, case):
    provider, made, asked = case
    generator, transport = model(provider, made())
    with pytest.raises(errors.ProviderError):
        await suggest(generator)
    age(llm.SECOND_PURCHASE_DELAY)
    first, again = await suggest(generator), await suggest(generator)
    assert [c.title for c in first.candidates] == [CODE["title"]]
    assert first == again
    assert len(transport.sent) == 2
    assert f"up to {asked} books" in json.dumps(json.loads(transport.sent[1].content))
    assert list(answers.lives.values()) == [None]
    [(body, _)] = answers.kept.values()
    assert body["tokens"]["output"] == 2 * (96 + 225 if provider == "gemini" else 101)


async def test_the_answer_is_stored_as_it_came_before_it_is_read(model, answers, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a fault in the reader")

    generator, transport = model("xai", [xai(books(CODE))])
    with monkeypatch.context() as patched:
        patched.setattr(book_list, "list_in", broken)
        with pytest.raises(RuntimeError):
            await suggest(generator)
    [(body, _)] = answers.kept.values()
    assert body["text"] == books(CODE)
    assert [c.title for c in (await suggest(generator)).candidates] == [CODE["title"]]
    assert len(transport.sent) == 1


async def test_an_answer_stored_by_an_earlier_version_is_read(model, answers):
    generator, transport = model("xai", [xai(books(CODE))])
    await suggest(generator)
    [place] = answers.kept
    answers.kept[place] = ({"books": [ORYX], "tokens": {"input": 1, "output": 2}, "cut_off": False}, datetime.now(UTC))
    assert [c.title for c in (await suggest(generator)).candidates] == [ORYX["title"]]
    assert len(transport.sent) == 1


@pytest.mark.parametrize("answer", [gemini, xai])
async def test_an_item_of_thousands_of_digits_or_levels_costs_itself_alone(model, answer):
    items = ['{"title": "A", "author": "B", "year": %s}' % ("9" * 5000), '{"title": %s}' % ("[" * 50_000)]
    generator, transport = model(
        "gemini" if answer is gemini else "xai", [answer(f'{{"books": [{", ".join(items)}, {json.dumps(CODE)}]}}')]
    )
    assert [candidate.title for candidate in (await suggest(generator)).candidates] == [CODE["title"]]
    assert len(transport.sent) == 1


@pytest.mark.parametrize("answer", [gemini, xai])
async def test_half_a_character_costs_at_most_a_character(model, answers, answer):
    text = books(CODE | {"title": "The Da Vinci Code \ud83d"}, ORYX).replace("\\ud83d", "\ud83d")
    whole = answer("TEXT").text.replace("TEXT", json.dumps(text)[1:-1])  # as an escape, which alone can be sent
    sent = httpx2.Response(200, text=whole, headers={"Content-Type": "application/json"})
    generator, transport = model("gemini" if answer is gemini else "xai", [sent])
    found = await suggest(generator)
    assert [candidate.title.rstrip(" ?\ufffd") for candidate in found.candidates] == [CODE["title"], ORYX["title"]]
    assert found == await suggest(generator)
    assert len(transport.sent) == 1
    json.dumps([body for body, _ in answers.kept.values()], ensure_ascii=False).encode()


async def test_a_large_answer_is_read_beside_the_event_loop(model, monkeypatch):
    read_by = []
    plain = book_list.list_in

    def noted(*args, **kwargs):
        read_by.append(threading.current_thread() is threading.main_thread())
        return plain(*args, **kwargs)

    monkeypatch.setattr(book_list, "list_in", noted)
    generator, _ = model("xai", [xai(books(CODE) + " " * llm.MAX_INLINE_LENGTH), xai(books(ORYX))])
    await suggest(generator)
    await generator.suggest(Month(2003, 4), "baseline", 20)
    assert read_by == [False, True]


async def test_a_list_without_end_is_capped(model):
    endless = books(*[ORYX | {"title": f"Volume {number}"} for number in range(5000)])
    generator, _ = model("xai", [xai(endless)])
    answer = await suggest(generator)
    assert len(answer.candidates) == 20
    assert len(answer.dropped) < 500


def test_the_second_purchase_comes_within_the_attempts_of_a_month():
    assert timedelta(seconds=30) < llm.SECOND_PURCHASE_DELAY < timedelta(minutes=3)
