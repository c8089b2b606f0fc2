"""Any server that speaks OpenAI's dialect: the shapes of those that people run, through the real client over HTTP."""

import json
from pathlib import Path

import pytest

from alexandria.core import errors
from alexandria.core.month import Month
from tests.support.provider_answers import BOOKS, MARCH, TITLE, answer

pytestmark = pytest.mark.usefixtures("one_try")


BODIES = Path(__file__).parent / "data" / "models"


def chat(content=BOOKS, *, choice=None, **message):
    first = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content} | message}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [first | (choice or {})]}


def without(body, *names):
    return {name: value for name, value in body.items() if name not in names}


def thought(text):
    return f"The month has [few] books. {text}"


# A server's answer that names the book of BOOKS.
ANSWERS = {
    "ollama": chat() | {"id": "chatcmpl-1", "system_fingerprint": "fp_ollama", "usage": {"prompt_tokens": 26, "completion_tokens": 9, "total_tokens": 35}},
    "ollama thinking": chat(reasoning=thought("")),
    "ollama in its own dialect": {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": BOOKS}, "done_reason": "stop", "done": True, "prompt_eval_count": 26, "eval_count": 9},
    "llama.cpp": without(chat(), "id") | {"timings": {"prompt_n": 1}, "usage": {"completion_tokens": 9, "prompt_tokens": 2, "total_tokens": 11, "prompt_tokens_details": {"cached_tokens": 0}}},
    "llama.cpp with thoughts": chat(reasoning_content=thought("")),
    "vllm": chat(reasoning=None, reasoning_content=None, tool_calls=[], function_call=None, annotations=None, audio=None, refusal=None, choice={"stop_reason": None, "token_ids": None, "logprobs": None}) | {"service_tier": None, "prompt_logprobs": None, "kv_transfer_params": None, "usage": {"prompt_tokens": 1, "total_tokens": 2, "completion_tokens": 1, "prompt_tokens_details": None}},
    "vllm in the reasoning": json.loads((BODIES / "vllm_200_json_in_reasoning.json").read_text()),
    "lm studio": chat() | {"stats": {}, "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
    "lm studio in the reasoning": json.loads((BODIES / "lmstudio_200_json_in_reasoning_content.json").read_text()),
    "groq": chat() | {"x_groq": {"id": "r"}, "usage": {"queue_time": 0.01, "prompt_tokens": 1, "prompt_time": 0.1, "completion_tokens": 1, "completion_time": 0.2, "total_tokens": 2, "total_time": 0.3}, "service_tier": "on_demand", "usage_breakdown": None},
    "deepseek": chat(reasoning_content=thought("")) | {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "prompt_cache_hit_tokens": 0, "completion_tokens_details": {"reasoning_tokens": 1}}},
    "openrouter": chat(refusal=None, reasoning=thought(""), reasoning_details=[{"type": "reasoning.text", "text": "x"}], choice={"native_finish_reason": "STOP", "logprobs": None}) | {"provider": "Some", "created": None, "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": None}}},
    "mistral in parts": chat([{"type": "thinking", "thinking": [{"type": "text", "text": "[hm]"}]}, {"type": "text", "text": BOOKS}]),
    "finish reason is empty": json.loads((BODIES / "compat_200_finish_reason_empty.json").read_text()),
    "finish reason is null": chat(choice={"finish_reason": None}),
    "finish reason of its own": chat(choice={"finish_reason": "eos"}),
    "usage is null": chat() | {"usage": None},
    "usage is empty": chat() | {"usage": {}},
    "usage of texts": chat() | {"usage": {"prompt_tokens": "1", "completion_tokens": None}},
    "fields are absent": {"choices": [{"message": {"content": BOOKS}}]},
    "fields are of other types": chat() | {"id": 7, "created": "2026-01-01", "model": None, "object": "text"},
    "content as data": chat(json.loads(BOOKS)),
    "refusal is empty": chat(refusal=""),
    "a text completion": {"choices": [{"text": BOOKS, "index": 0, "finish_reason": "stop"}]},
    "reasoning among other thoughts": chat(" \n", reasoning_content=f"The month has few books. {BOOKS}"),
    "in a list": [chat()],
    "in the call of a function": chat(None, choice={"finish_reason": "tool_calls"}, tool_calls=[{"id": "", "type": "function", "function": {"name": "BookList", "arguments": BOOKS}}]),
    "in the call of a function, as data": chat("", tool_calls=[None, {"function": {"name": "f", "arguments": json.loads(BOOKS)}}]),
    "in a function call of old": chat(None, function_call={"name": "f", "arguments": BOOKS}),
    "as parsed data": chat(None, parsed=json.loads(BOOKS)),
    "in the details of the reasoning": chat("", reasoning_details=[{"type": "reasoning.text", "text": thought(BOOKS)}]),
    "in the second choice": {"choices": [{"message": {"content": ""}}, *chat()["choices"]]},
    "channels of gpt-oss": chat(f'<|channel|>analysis<|message|>{{"books": [{{"title": "Draft", "author": "D"}}]}}<|end|><|start|>assistant<|channel|>final<|message|>{BOOKS}'),
}  # fmt: skip


def events(*pieces, between="\n\n", before="data: ", end="data: [DONE]"):
    return "".join(f"{before}{json.dumps(piece)}{between}" for piece in pieces) + end


def delta(text, finish=None, **more):
    return {"id": "c", "choices": [{"index": 0, "delta": {"content": text} | more, "finish_reason": finish}]}


HALVES = BOOKS[:30], BOOKS[30:]
STREAMS = {
    "events": events(delta("", role="assistant"), delta(HALVES[0]), delta(HALVES[1]), delta(None, "stop"), {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}}),
    "events with comments": ": PROCESSING\n\n: PROCESSING\n\n" + events(delta(HALVES[0]), delta(HALVES[1], "stop")),
    "events with thoughts": events(delta(None, reasoning_content="[hm]"), delta(BOOKS, "stop")),
    "lines of ollama": events(*({"model": "m", "message": {"role": "assistant", "content": half}, "done": False} for half in HALVES), {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 7}, before="", between="\n", end=""),
    "keep-alive lines": f"\n\n\n{json.dumps(chat())}",
}  # fmt: skip


@pytest.mark.parametrize("case", STREAMS)
async def test_a_stream_that_nobody_asked_for_is_joined(model, case):
    sent = 200, ["Content-Type: text/event-stream"], STREAMS[case].encode()
    found = await model("openai", sent).suggest(MARCH, "baseline", 20)
    assert [candidate.title for candidate in found.candidates] == [TITLE]


async def test_an_error_within_a_stream_is_that_error(model):
    text = events(delta("{"), {"error": {"code": 429, "message": "Rate limit exceeded"}})
    with pytest.raises(errors.RateLimited):
        await model("openai", (200, [], text.encode())).suggest(MARCH, "baseline", 20)


@pytest.mark.parametrize("text", ["data: {", "data:", ":", "{}\n{}", "data: []\n\ndata: [DONE]", events(chat())])
async def test_other_text_than_a_stream_of_pieces_is_a_bad_answer(model, text):
    with pytest.raises(errors.BadAnswer):
        await model("openai", (200, [], text.encode())).suggest(MARCH, "baseline", 20)


@pytest.mark.parametrize("case", ANSWERS)
async def test_an_answer_of_a_server_is_understood(model, chat_server, case):
    found = await model("openai", answer(200, ANSWERS[case])).suggest(MARCH, "baseline", 20)
    assert [candidate.title for candidate in found.candidates] == [TITLE]
    assert chat_server.paths == ["/v1/chat/completions"]


UNREADABLE = {
    "no choices": {"id": "x", "object": "chat.completion"},
    "choices are empty": {"choices": []},
    "choices are none": {"choices": None},
    "choices are a text": {"choices": "x"},
    "choice is a text": {"choices": ["x"]},
    "message is null": {"choices": [{"message": None}]},
    "message is a text": {"choices": [{"message": "x"}]},
    "a list": [1],
    "a number": 7,
    "a text": "<html>Open the app</html>",
    "an error without a sense": {"error": {"message": "something odd"}},
    "an error of a number": {"error": 7},
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_an_answer_without_a_completion_is_a_bad_answer(model, case):
    with pytest.raises(errors.BadAnswer):
        await model("openai", answer(200, UNREADABLE[case])).suggest(MARCH, "baseline", 20)


async def test_a_draft_in_the_thoughts_of_an_answer_cut_off_is_no_answer(model):
    cut = chat("", reasoning_content=f"Perhaps {BOOKS}, or", choice={"finish_reason": "length"})
    with pytest.raises(errors.BadAnswer):
        await model("openai", answer(200, cut)).suggest(MARCH, "baseline", 20)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/v1/chat/completions"),
        ("/", "/v1/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/v2", "/v2/chat/completions"),
        ("/openai/v1", "/openai/v1/chat/completions"),
        ("/api/v1", "/api/v1/chat/completions"),
        ("/v1beta/openai", "/v1beta/openai/chat/completions"),
        ("/v1beta/openai/", "/v1beta/openai/chat/completions"),
        ("/inference", "/inference/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        (
            "/openai/deployments/d?api-version=2024-10-21",
            "/openai/deployments/d/chat/completions?api-version=2024-10-21",
        ),
    ],
)
async def test_a_url_with_a_path_is_complete(model, chat_server, path, asked):
    await model("openai", answer(200, chat()), path=path).suggest(MARCH, "baseline", 20)
    assert chat_server.paths == [asked]


NO_SUCH_ADDRESS = {
    "go": answer(404, "404 page not found"),
    "fastapi": answer(404, {"detail": "Not Found"}),
    "llama.cpp": answer(404, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}),
    "lm studio": answer(200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
    "openai": answer(404, {"error": {"message": "Invalid URL (POST /v1/v1/chat/completions)", "type": "invalid_request_error", "param": None, "code": None}}),
    "express": answer(404, {"message": "Cannot POST /models/chat/completions", "error": "Not Found"}),
    "fastify": answer(404, {"message": "Route POST:/models/chat/completions not found", "error": "Not Found", "statusCode": 404}),
    "azure": answer(404, {"error": {"code": "404", "message": "Resource not found"}}),
    "nginx": answer(404, "<html><head><title>404 Not Found</title></head><body>our models are great</body></html>"),
    "a page for people": answer(405, "<html>Method Not Allowed</html>"),
    "nothing": answer(404, ""),
    "moved": answer(301, "", "Location: http://127.0.0.1:9/elsewhere"),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_SUCH_ADDRESS)
async def test_a_404_without_a_model_error_names_the_address(model, chat_server, case):
    generator = model("openai", NO_SUCH_ADDRESS[case], path="/wrong", key="canary-key")
    with pytest.raises(errors.RequestRefused) as refused:
        await generator.suggest(MARCH, "baseline", 20)
    assert f"{chat_server.url}/wrong/chat/completions" in refused.value.message
    assert "ALEXANDRIA_GENERATORS" in refused.value.hint


UNKNOWN_MODEL = {
    "ollama": answer(404, {"error": {"message": "model 'some-model' not found", "type": "not_found_error", "param": None, "code": None}}),
    "ollama of old": answer(404, {"error": 'model "some-model" not found, try pulling it first'}),
    "vllm": answer(404, {"error": {"message": "The model `some-model` does not exist.", "type": "NotFoundError", "param": "model", "code": 404}}),
    "vllm of old": answer(404, {"object": "error", "message": "The model `some-model` does not exist.", "type": "NotFoundError", "code": 404}),
    "lm studio": answer(400, {"error": {"message": "Model not found", "type": "invalid_request_error", "code": "model_not_found"}}),
    "groq": answer(404, {"error": {"message": "The model `some-model` does not exist or you do not have access to it.", "type": "invalid_request_error", "code": "model_not_found"}}),
    "groq retired": answer(400, {"error": {"message": "The model `some-model` has been decommissioned and is no longer supported.", "type": "invalid_request_error", "code": "model_decommissioned"}}),
    "deepseek": answer(400, {"error": {"message": "Model Not Exist", "type": "invalid_request_error", "param": None, "code": "invalid_request_error"}}),
    "openrouter": answer(400, {"error": {"message": "some-model is not a valid model ID", "code": 400}}),
    "called a success": answer(200, {"error": "model 'some-model' not found"}),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN_MODEL)
async def test_an_unknown_model_is_named(model, case):
    with pytest.raises(errors.RequestRefused, match="knows no model 'some-model'"):
        await model("openai", UNKNOWN_MODEL[case]).suggest(MARCH, "baseline", 20)


FORMAT_REFUSED = {
    "deepseek": answer(400, json.loads((BODIES / "deepseek_400_response_format.json").read_text())),
    "deepseek in its own words": answer(400, {"error": {"message": "This response_format type is unavailable now", "type": "invalid_request_error", "param": None, "code": "invalid_request_error"}}),
    "groq": answer(400, {"error": {"message": "This model does not support response format `json_schema`.", "type": "invalid_request_error", "param": "response_format"}}),
    "groq could not": answer(400, {"error": {"message": "Failed to generate JSON. Please adjust your prompt.", "type": "invalid_request_error", "code": "json_validate_failed", "failed_generation": ""}}),
    "openai of old": answer(400, {"error": {"message": "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.", "type": "invalid_request_error", "param": None, "code": None}}),
    "azure": answer(400, {"error": {"message": "Invalid value: 'json_schema'. Supported values are: 'json_object' and 'text'.", "type": "invalid_request_error", "param": "response_format.type", "code": "invalid_value"}}),
    "llama.cpp": answer(400, {"error": {"code": 400, "message": "Failed to parse grammar", "type": "invalid_request_error"}}),
    "llama.cpp of old": answer(500, {"error": {"code": 500, "message": 'response_format type must be one of "text" or "json_object", but got: json_schema', "type": "server_error"}}),
    "vllm": answer(400, {"object": "error", "message": "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type')}]", "type": "BadRequestError", "param": None, "code": 400}),
    "lm studio": answer(400, {"error": "'response_format.type' must be 'json_object' or 'text'"}),
    "mistral": answer(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra inputs are not permitted"}]}),
    "openrouter": answer(404, {"error": {"message": "No endpoints found that can handle the requested parameters.", "code": 404}}),
    "openrouter upstream": answer(400, {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": '{"error":{"message":"json_schema is not supported"}}', "provider_name": "Some"}}}),
    "text generation inference": answer(422, {"error": "Input validation error: grammar is not supported", "error_type": "validation"}),
    "called a success": answer(200, {"error": "'response_format' is not supported"}),
}  # fmt: skip


def formats(chat_server):
    return [asked.get("response_format", {}).get("type") for asked in chat_server.asked]


@pytest.mark.parametrize("case", FORMAT_REFUSED)
async def test_a_refused_format_is_asked_again_with_a_looser_one_and_then_without(model, chat_server, limits, case):
    refused = FORMAT_REFUSED[case]
    generator = model("openai", refused, refused, answer(200, chat(f"Here they are:\n{BOOKS}")))
    found = await generator.suggest(MARCH, "baseline", 20)
    assert [candidate.title for candidate in found.candidates] == [TITLE]
    assert formats(chat_server) == ["json_schema", "json_object", None]
    assert limits.pauses == []
    await generator.suggest(Month(2003, 4), "baseline", 20)
    assert formats(chat_server)[3:] == [None]


async def test_json_objects_are_kept_where_they_are_taken(model, chat_server):
    generator = model("openai", FORMAT_REFUSED["deepseek"], answer(200, chat()))
    for month in (3, 4):
        await generator.suggest(Month(2003, month), "baseline", 20)
    assert formats(chat_server) == ["json_schema", "json_object", "json_object"]


async def test_a_server_that_refuses_every_format_ends(model, chat_server):
    with pytest.raises(errors.RequestRefused, match="requested form"):
        await model("openai", FORMAT_REFUSED["deepseek"]).suggest(MARCH, "baseline", 20)
    assert len(chat_server.asked) == 3


async def test_tokens_are_counted_where_they_are_reported(model, limits):
    kept = []

    async def write(provider, key, request, body, life):
        kept.append(body)

    limits.write = write
    usage = {"usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}}
    generator = model("openai", answer(200, chat() | usage), answer(200, chat()))
    for month in (3, 4):
        await generator.suggest(Month(2003, month), "baseline", 20)
    assert [body["tokens"] for body in kept] == [{"input": 5, "output": 7}, {"input": 0, "output": 0}]


@pytest.mark.parametrize("key", [None, "canary-key"])
async def test_a_key_is_sent_only_if_there_is_one(model, chat_server, key):
    await model("openai", answer(200, chat()), key=key).suggest(MARCH, "baseline", 20)
    assert chat_server.headers[0]["authorization"] == f"Bearer {key or 'none'}"
