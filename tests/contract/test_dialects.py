"""Answers and refusals of real servers, in their own shapes, through the real client and a real HTTP server."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alexandria.backfill.suggest import suggest
from alexandria.catalogue.models import Candidate
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS
from alexandria.providers.base import SuggestResult
from alexandria.providers.client import next_midnight
from tests.support.provider_answers import BOOKS, MARCH, TITLE, answer

pytestmark = pytest.mark.usefixtures("one_try")


BODIES = Path(__file__).parent / "data" / "models"
GOOGLE_TYPE = "type.googleapis.com/google.rpc."
PER_MINUTE = f"{GOOGLE_TYPE}QuotaFailure"
TEAM = "00000000-0000-0000-0000-000000000000"


def recorded(name, *headers):
    """A body from the field; its file says whose it is, with which status, and what it is."""
    path = next(BODIES.glob(f"{name}.*"))
    return (
        path.name.split("_")[[part.isdigit() for part in path.stem.split("_")].index(True)],
        [
            "Content-Type: application/json" if path.suffix == ".json" else "Content-Type: text/plain",
            *headers,
        ],
        path.read_bytes(),
    )


def openai(message, **error):
    return {"error": {"message": message, "type": None, "param": None, "code": None} | error}


def google(message, status="RESOURCE_EXHAUSTED", *details, code=429):
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def violation(quota, value="5"):
    return {"@type": PER_MINUTE, "violations": [{"quotaId": quota, "quotaValue": value}]}


def retry_info(delay):
    return {"@type": f"{GOOGLE_TYPE}RetryInfo", "retryDelay": delay}


def xai(error, code="permission-denied"):
    return {"code": code, "error": error}


def chat(content=BOOKS, *, choice=None, **message):
    first = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content} | message}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [first | (choice or {})]}


async def refusal_of(generator: Any) -> errors.ProviderError:
    with pytest.raises(errors.ProviderError) as refused:
        await generator.suggest(MARCH, "baseline", 20)
    return refused.value


LIMIT, POOR, DAY = errors.RateLimited, errors.NoCredit, errors.QuotaSpent
# From the field: the provider, the body, what it means, and for how long to wait.
FIELD = [
    ("openai", "groq_429_per_minute", LIMIT, 5),
    ("openai", "openai_429_per_minute_free_account", LIMIT, 20),
    ("openai", "gemini_openai_compat_429_per_minute", LIMIT, 12.5),
    ("gemini", "gemini_429_prepay_depleted", POOR, None),
    ("gemini", "gemini_429_spending_cap", POOR, None),
    ("openai", "gemini_429_prepay_depleted", POOR, None),
    ("openai", "gemini_429_spending_cap", POOR, None),
    ("gemini", "gemini_429_per_day", DAY, "midnight"),
    ("openai", "gemini_429_per_day", DAY, "midnight"),
    ("gemini", "gemini_400_location", errors.RequestRefused, None),
    ("openai", "gemini_400_location", errors.RequestRefused, None),
    ("xai", "xai_403_no_credits", POOR, None),
    ("xai", "xai_403_credits_used", POOR, None),
    ("xai", "xai_403_content", errors.ContentRefused, None),
    ("openai", "compat_404_wrong_path", errors.RequestRefused, None),
    ("gemini", "gemini_200_max_tokens_while_thinking", errors.BadAnswer, None),
]


async def test_refusals_from_the_field(model, limits, cases):
    with cases() as case:
        for provider, name, meaning, wait in FIELD:
            with case(provider, name):
                limits.pauses.clear()
                error = await refusal_of(model(provider, recorded(name)))
                assert isinstance(error, meaning), error
                assert "check" not in error.hint
                check_wait(error, wait, limits)


def check_wait(error, wait, limits):
    """The provider is paused for as long as the month waits, and never longer than a day."""
    if isinstance(error, errors.NoCredit):
        assert "after an hour, then once a day" in error.message
        wait = 3600
    elif isinstance(error, errors.QuotaSpent):
        if wait == "midnight":
            wait = (next_midnight(PROVIDERS["gemini"].limits.zone) - datetime.now(UTC)).total_seconds()
        assert error.until - datetime.now(UTC) <= timedelta(days=1, hours=1)
        if wait is not None:
            assert (error.until - datetime.now(UTC)).total_seconds() == pytest.approx(wait, abs=5)
    elif isinstance(error, errors.RateLimited):
        assert error.retry_after == (wait if wait is None else pytest.approx(wait, abs=0.6 if wait < 100 else 5))
    else:
        assert limits.pauses == []
        return
    [(_, seconds, reason)] = limits.pauses
    assert reason == error.message
    if wait is not None:
        assert seconds == pytest.approx(max(wait, 1), abs=5)


OPENROUTER_HEADERS = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0"}
UPSTREAM = "some/model is temporarily rate-limited upstream; add your own key and credits at https://router.example"
# Refusals in the shapes of many vendors: provider, status, body, headers, what it means, for how many seconds to wait.
VENDORS: dict[str, Any] = {
    "groq tokens a day": ("openai", 429, openai("Rate limit reached on tokens per day (TPD): Limit 100000. Please try again in 7m12s. Need more tokens? Upgrade at https://x.example/settings/billing", type="tokens", code="rate_limit_exceeded"), (), DAY, 432),
    "groq request too large": ("openai", 413, openai("Request too large on tokens per minute (TPM): Limit 6000, Requested 9000", type="tokens", code="rate_limit_exceeded"), (), errors.RequestRefused, None),
    "groq header": ("openai", 429, openai("slow", type="requests", code="rate_limit_exceeded"), ("retry-after: 17",), LIMIT, 17),
    "openai spent": ("openai", 429, openai("You exceeded your current quota, please check your plan and billing details.", type="insufficient_quota", code="insufficient_quota"), (), POOR, None),
    "openai spent without a code": ("openai", 429, openai("You exceeded your current quota, please check your plan and billing details."), (), POOR, None),
    "openai spent beside headers of the rate": ("openai", 429, openai("no quota", code="insufficient_quota"), ("x-ratelimit-remaining-requests: 9", "x-ratelimit-reset-requests: 120ms"), POOR, None),
    "openai reset header": ("openai", 429, openai("slow", code="rate_limit_exceeded"), ("x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 6m0s", "x-ratelimit-remaining-requests: 3", "x-ratelimit-reset-requests: 1s"), LIMIT, 360),
    "openai milliseconds": ("openai", 429, openai("Please try again in 300ms.", code="rate_limit_exceeded"), (), LIMIT, 0.3),
    "openai in minutes": ("openai", 429, openai("Please try again in 1m30.5s.", type="requests"), (), LIMIT, 90.5),
    "openai hard limit": ("openai", 400, openai("Billing hard limit has been reached", code="billing_hard_limit_reached", type="invalid_request_error"), (), POOR, None),
    "openai country": ("openai", 403, openai("Country, region, or territory not supported", code="unsupported_country_region_territory"), (), errors.RequestRefused, None),
    "openai model of others": ("openai", 403, openai("Project `p` does not have access to model `m`", code="model_not_found"), (), errors.RequestRefused, None),
    "azure": ("openai", 429, {"error": {"code": "429", "message": "Requests have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 6 seconds. Go here to increase: https://x.example"}}, (), LIMIT, 6),
    "azure reached": ("openai", 429, {"error": {"code": "RateLimitReached", "message": "Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait 35000 seconds before retrying."}}, (), DAY, 35000),
    "azure milliseconds": ("openai", 429, {"error": {"code": "429", "message": "too many"}}, ("retry-after-ms: 2500",), LIMIT, 2.5),
    "azure filter": ("openai", 400, {"error": {"code": "content_filter", "message": "The response was filtered", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, (), errors.ContentRefused, None),
    "azure deployment": ("openai", 404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}, (), errors.RequestRefused, None),
    "deepseek balance": ("openai", 402, openai("Insufficient Balance", type="unknown_error", code="invalid_request_error"), (), POOR, None),
    "deepseek speed": ("openai", 429, openai("Rate limit reached. Upgrade or top up to go faster", type="rate_limit_error"), (), LIMIT, None),
    "openrouter credits": ("openai", 402, {"error": {"code": 402, "message": "Insufficient credits. Add more using https://router.example/credits"}}, (), POOR, None),
    "openrouter free day": ("openai", 429, {"error": {"code": 429, "message": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day", "metadata": {"headers": OPENROUTER_HEADERS | {"X-RateLimit-Reset": "{in_two_hours_ms}"}}}}, (), DAY, 7200),
    "openrouter upstream": ("openai", 429, {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": UPSTREAM, "provider_name": "Some"}}}, (), LIMIT, None),
    "openrouter upstream hint": ("openai", 429, {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": json.dumps(openai("no credits left? Please try again in 12s.", code="rate_limit_exceeded"))}}}, (), LIMIT, 12),
    "openrouter upstream money": ("openai", 429, {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": json.dumps(openai("spent", code="insufficient_quota"))}}}, (), POOR, None),
    "openrouter moderation": ("openai", 403, {"error": {"code": 403, "message": "Your chosen model requires moderation and your input was flagged", "metadata": {"reasons": ["x"]}}}, (), errors.ContentRefused, None),
    "openrouter no endpoints": ("openai", 404, {"error": {"code": 404, "message": "No endpoints found for some-model."}}, (), errors.RequestRefused, None),
    "openrouter 200 limit": ("openai", 200, {"error": {"code": 429, "message": "Rate limit exceeded, retry in 30 seconds"}}, (), LIMIT, 30),
    "openrouter 200 credits": ("openai", 200, {"error": {"code": 402, "message": "This request requires more credits"}}, (), POOR, None),
    "openrouter 200 down": ("openai", 200, chat(None, choice={"finish_reason": "error", "error": {"code": 502, "message": "Upstream error"}}), (), errors.ProviderDown, None),
    "mistral": ("openai", 429, {"message": "Requests rate limit exceeded", "request_id": "r"}, (), LIMIT, None),
    "mistral capacity": ("openai", 429, {"object": "error", "message": "Service tier capacity exceeded for this model.", "type": "service_tier_capacity_exceeded", "code": "3505"}, (), LIMIT, None),
    "mistral key": ("openai", 401, {"detail": "Unauthorized"}, (), errors.KeyRefused, None),
    "together": ("openai", 429, openai("Rate limit: see https://x.example/settings/billing to add credits", type="model_rate_limit"), ("x-ratelimit-reset: 9",), LIMIT, 9),
    "together spent": ("openai", 402, openai("Credit limit exceeded", type="credit_limit"), (), POOR, None),
    "anthropic speed": ("openai", 429, {"type": "error", "error": {"type": "rate_limit_error", "message": "over your organization's limit of 20,000 input tokens per minute"}}, ("anthropic-ratelimit-input-tokens-remaining: 0", "anthropic-ratelimit-input-tokens-reset: {in_ten_minutes}"), LIMIT, 600),
    "anthropic spent": ("openai", 400, {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the API."}}, (), POOR, None),
    "anthropic overloaded": ("openai", 529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, (), errors.ProviderDown, None),
    "moonshot spent": ("openai", 429, openai("Your account is suspended due to insufficient balance, please recharge", type="exceeded_current_quota_error"), (), POOR, None),
    "moonshot busy": ("openai", 429, openai("The engine is currently overloaded", type="engine_overloaded_error"), (), LIMIT, None),
    "dashscope arrears": ("openai", 400, openai("Access denied, please make sure your account is in good standing.", code="Arrearage"), (), POOR, None),
    "dashscope speed": ("openai", 429, openai("You exceeded your current requests list.", code="limit_requests"), (), LIMIT, None),
    "relay without quota": ("openai", 403, openai("token quota is not enough", code="insufficient_user_quota", type="new_api_error"), (), POOR, None),
    "relay over its budget": ("openai", 400, openai("Budget has been exceeded! Current cost: 1.2, Max budget: 1.0", type="budget_exceeded", code="400"), (), POOR, None),
    "trial of a month": ("openai", 429, {"message": "You are using a Trial key, which is limited to 1000 API calls / month."}, (), POOR, None),
    "trial of a minute": ("openai", 429, {"message": "You are using a Trial key, which is limited to 10 API calls / minute. Upgrade to a Production key, see billing."}, (), LIMIT, None),
    "xai key": ("xai", 400, xai("Incorrect API key provided: ca***. You can obtain one at https://console.example", "Client specified an invalid argument"), (), errors.KeyRefused, None),
    "xai speed": ("xai", 429, xai(f"Too many tokens for team {TEAM}. Your team's rate limit is: Tokens per Minute (actual/limit): 65605/16000", "Some resource has been exhausted"), (), LIMIT, None),
    "xai spent as 429": ("xai", 429, xai(f"Your team {TEAM} has either used all available credits or reached its monthly spending limit.", "Some resource has been exhausted"), (), POOR, None),
    "xai new team": ("xai", 403, xai("Your newly created team doesn't have any credits or licenses yet. You can purchase those on https://console.example"), (), POOR, None),
    "xai content": ("xai", 403, xai("Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_CSAM", "The caller does not have permission to execute the specified operation"), (), errors.ContentRefused, None),
    "xai blocked": ("xai", 403, xai("Team blocked"), (), errors.KeyRefused, None),
    "gemini a minute": ("gemini", 429, google("You exceeded your current quota, please check your plan and billing details. Please retry in 46.1s.", "RESOURCE_EXHAUSTED", violation("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), retry_info("46s")), (), LIMIT, 46.1),
    "gemini without details": ("gemini", 429, google("Resource has been exhausted (e.g. check quota)."), (), LIMIT, None),
    "gemini no allowance": ("gemini", 429, google("Quota exceeded for metric x, limit: 0. Please retry in 5s", "RESOURCE_EXHAUSTED", violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0"), retry_info("5s")), (), POOR, None),
    "gemini free tier of no country": ("gemini", 400, google("The free tier is not available in your country. Please enable billing", "FAILED_PRECONDITION", code=400), (), POOR, None),
    "gemini location": ("gemini", 400, google("User location is not supported for the API use.", "FAILED_PRECONDITION", code=400), (), errors.RequestRefused, None),
    "gemini billing disabled": ("gemini", 403, google("denied", "PERMISSION_DENIED", {"@type": f"{GOOGLE_TYPE}ErrorInfo", "reason": "BILLING_DISABLED"}, code=403), (), POOR, None),
    "gemini prepay in its own words": ("gemini", 429, google("Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing."), (), POOR, None),
    "gemini key of another address": ("gemini", 400, google("denied", "INVALID_ARGUMENT", {"@type": f"{GOOGLE_TYPE}ErrorInfo", "reason": "API_KEY_IP_ADDRESS_BLOCKED"}, code=400), (), errors.KeyRefused, None),
    "gemini body is a text": ("gemini", 429, '"slow"', (), LIMIT, None),
    "gemini body is a number": ("gemini", 429, "7", (), LIMIT, None),
    "gemini error is a text": ("gemini", 429, {"error": "slow"}, (), LIMIT, None),
    "ollama cloud's week": ("openai", 429, {"error": "you (somebody) have reached your weekly usage limit, upgrade for higher limits: https://x.example/upgrade"}, (), DAY, None),
    "ollama cloud's hour": ("openai", 429, {"error": "you've reached your hourly usage limit, please upgrade to continue"}, (), LIMIT, 600),
    "ollama cloud's subscription": ("openai", 403, {"error": "this model requires a subscription, upgrade for access: https://x.example/upgrade"}, (), POOR, None),
    "requests an hour": ("openai", 429, {"message": "Requests per hour limit exceeded - too many requests sent.", "type": "too_many_requests_error", "code": "request_quota_exceeded"}, (), LIMIT, 600),
    "key's own limit": ("openai", 403, {"error": {"message": "Key limit exceeded (total limit). Manage it using https://router.example/keys", "code": 403}}, (), POOR, None),
    "key's limit of a day": ("openai", 403, {"error": {"message": "Key limit exceeded (daily limit). Manage it using https://router.example/keys", "code": 403}}, (), DAY, None),
    "limit that a person set": ("openai", 400, {"type": "error", "error": {"type": "invalid_request_error", "message": "You have reached your specified API usage limits. You will regain access on 2099-12-01 at 00:00 UTC."}}, (), POOR, None),
    "spend alert": ("openai", 400, openai("Organization has reached its configured alert / blocked API access", code="blocked_api_access"), (), POOR, None),
    "azure call volume": ("openai", 403, {"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 02:21:45."}, (), LIMIT, 8505),
    "azure call volume of days": ("openai", 403, {"error": {"code": "403", "message": "Out of call volume quota. Quota will be replenished in 1.02:21:45."}}, (), LIMIT, 86400),
    "prompt too long": ("openai", 400, openai("This model's maximum context length is 4096 tokens. However, your request exceeded the limit."), (), errors.RequestRefused, None),
    "request too large": ("openai", 400, openai("Request size limit exceeded: 2 MB"), (), errors.RequestRefused, None),
    "quota of no period": ("openai", 403, openai("Quota exceeded for this key"), (), POOR, None),
    "rate limit as 403": ("openai", 403, openai("API rate limit exceeded for this address"), (), LIMIT, None),
    "legal reasons": ("openai", 451, openai("unavailable for legal reasons"), (), errors.RequestRefused, None),
    "gemini in a list": ("gemini", 429, [google("Resource exhausted, please try again in 9s")], (), LIMIT, 9),
    "gemini down in a list": ("gemini", 200, [google("overloaded", "UNAVAILABLE", code=503)], (), errors.ProviderDown, None),
    "gemini no allowance in words": ("gemini", 429, google("Quota exceeded for metric: x, limit: 0, model: m\nPlease retry in 20s.", "RESOURCE_EXHAUSTED", violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier", None), retry_info("20s")), (), POOR, None),
    "gemini limit of a decimal": ("gemini", 429, google("Quota exceeded for metric: x, limit: 0.5, model: m", "RESOURCE_EXHAUSTED", violation("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", None), retry_info("20s")), (), LIMIT, 20),
    "gemini minute and day": ("gemini", 429, google("Quota exceeded", "RESOURCE_EXHAUSTED", violation("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20"), retry_info("33s")), (), DAY, "midnight"),
    "a page": ("openai", 429, "<html><body>Too many requests. Please try again in 2 minutes.</body></html>", (), LIMIT, 120),
    "nothing": ("openai", 429, "", (), LIMIT, None),
    "flat": ("openai", 400, {"object": "error", "message": "The model `some-model` does not exist.", "type": "NotFoundError", "code": 404}, (), errors.RequestRefused, None),
}  # fmt: skip


async def test_refusals_of_vendors(model, limits, cases):
    with cases() as case:
        for name, row in VENDORS.items():
            with case(name):
                limits.pauses.clear()
                await check_vendor(model, limits, row)


async def check_vendor(model, limits, row):
    provider, status, body, headers, meaning, wait = row
    filled = json.dumps(body).replace("{in_two_hours_ms}", str(round((datetime.now(UTC).timestamp() + 7200) * 1000)))
    instant = (datetime.now(UTC) + timedelta(minutes=10)).isoformat(timespec="seconds").replace("+00:00", "Z")
    sent = tuple(header.replace("{in_ten_minutes}", instant) for header in headers)
    body = body if isinstance(body, str) else json.loads(filled)
    error = await refusal_of(model(provider, answer(status, body, *sent)))
    assert type(error) is meaning, error
    assert "canary" not in f"{error.message} {error.hint}"
    if wait is None:
        assert getattr(error, "retry_after", None) is None
    check_wait(error, wait, limits)


def gemini_answer(reason="STOP", **fields):
    content = {"role": "model", "parts": [{"text": BOOKS}]}
    return answer(200, {"candidates": [{"index": 0, "finishReason": reason, "content": content, **fields}]})


@pytest.mark.parametrize("reason", ["STOP", "A_REASON_OF_TOMORROW", 1, None, ["STOP"]])
async def test_a_list_of_gemini_is_read_whatever_stands_beside_it(model, reason):
    rated = {"safetyRatings": [{"category": "NEW", "probability": 7}], "index": "0", "finishMessage": 3}
    found = await model("gemini", gemini_answer(reason, **rated)).suggest(MARCH, "baseline", 20)
    assert [candidate.title for candidate in found.candidates] == [TITLE]


async def test_the_candidate_of_gemini_with_a_text_counts(model):
    status, headers, body = gemini_answer()
    answers = json.loads(body)
    answers["candidates"].insert(0, {"finishReason": "STOP", "content": {}})
    found = await model("gemini", (status, headers, json.dumps(answers).encode())).suggest(MARCH, "baseline", 20)
    assert [candidate.title for candidate in found.candidates] == [TITLE]


@pytest.mark.parametrize("reason", ["SAFETY", "A_REASON_OF_TOMORROW", 1])
async def test_a_prompt_that_gemini_blocks_is_refused_for_its_content(model, reason):
    body = {"promptFeedback": {"blockReason": reason}, "usageMetadata": {"totalTokenCount": 1, "trafficType": "NEW"}}
    assert isinstance(await refusal_of(model("gemini", answer(200, body))), errors.ContentRefused)


THINKING_REFUSED = {
    "xai": ("xai", "grok-4.3", xai("Model grok-4.3 does not support parameter reasoningEffort.", "Client specified an invalid argument"), answer(200, chat())),
    "openai": ("openai", "gpt-5", openai("Unsupported parameter: 'reasoning_effort' is not supported with this model.", param="reasoning_effort", code="unsupported_parameter"), answer(200, chat())),
    "gemini": ("gemini", "gemini-3.5-flash", google("Thinking level is not supported for this model.", "INVALID_ARGUMENT", code=400), gemini_answer()),
}  # fmt: skip


def thinks(asked):
    return "reasoning_effort" in asked or "thinkingConfig" in asked.get("generationConfig", {})


@pytest.mark.parametrize("case", THINKING_REFUSED)
async def test_a_refused_setting_for_thinking_is_asked_again_without(model, chat_server, case):
    provider, name, refusal, proper = THINKING_REFUSED[case]
    generator = model(provider, answer(400, refusal), proper, name=name)
    found = await generator.suggest(MARCH, "baseline", 20)
    assert [candidate.title for candidate in found.candidates] == [TITLE]
    await generator.suggest(Month(2003, 4), "baseline", 20)
    assert [thinks(asked) for asked in chat_server.asked] == [True, False, False]


class Other:
    """Another generator, which has answered."""

    name = label = "other"

    async def suggest(self, *_: object) -> SuggestResult:
        return SuggestResult((Candidate(TITLE, "Ann Author", year=2003, named_by=("other",)),))


WAITS = [
    "{epoch:.0f}", "{epoch_ms:.0f}", "{epoch_us:.0f}", "1e300", "nan", "-5", "inf", "9" * 400, "86400000",
    "Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -1200", "9999-12-31T23:59:59Z", "5, 9999999999",
]  # fmt: skip


@pytest.mark.parametrize("provider", ["openai", "gemini", "xai"])
async def test_no_hint_costs_the_month_or_silences_a_provider_for_more_than_a_day(model, limits, cases, provider):
    with cases() as case:
        for value in WAITS:
            with case(value):
                limits.pauses.clear()
                await check_hint(model, limits, provider, value)


async def check_hint(model, limits, provider, value):
    soon = datetime.now(UTC).timestamp() + 60
    header = value.format(epoch=soon, epoch_ms=soon * 1e3, epoch_us=soon * 1e6)
    refused = model(provider, answer(429, openai("slow"), f"Retry-After: {header}"))
    found = await suggest(MARCH, "baseline", 20, [refused, Other()])
    assert [candidate.title for candidate in found.candidates] == [TITLE]
    assert "too many requests" in found.failed[0]
    [(_, seconds, _)] = limits.pauses
    assert 0 <= seconds <= 86400
