"""Limits of the sandbox: keys, rates, quotas and latency, each refusal in the service's own words."""

import statistics
from datetime import UTC, datetime
from typing import Any

import pytest

GEMINI = "/gemini/v1beta/models/gemini-3.5-flash:generateContent"
XAI = "/xai/v1/chat/completions"
ISBNDB = "/isbndb/book/9780593781326"
OPEN_LIBRARY = "/open_library/search.json?q=murtagh"
GOOGLE_BOOKS = "/google_books/books/v1/volumes"
INTERNET_ARCHIVE = "/internet_archive/advancedsearch.php?q=murtagh&output=json"
MURTAGH = """SELECT ?work WHERE { SERVICE wikibase:mwapi { bd:serviceParam mwapi:search "murtagh". }
  FILTER(CONTAINS(LCASE(?name), "paolini")) }"""
PROMPT = "Name 20 books of November 2023."
ASK_GEMINI = {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]}
ASK_XAI = {"model": "grok-4.3", "messages": [{"role": "user", "content": PROMPT}]}
REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "gemini": ("POST", GEMINI, {"headers": {"x-goog-api-key": "sandbox-gemini"}, "json": ASK_GEMINI}),
    "xai": ("POST", XAI, {"headers": {"Authorization": "Bearer sandbox-xai"}, "json": ASK_XAI}),
    "isbndb": ("GET", ISBNDB, {"headers": {"Authorization": "sandbox-isbndb"}}),
    "google_books": ("GET", GOOGLE_BOOKS, {"params": {"q": "murtagh", "key": "sandbox-google_books"}}),
    "open_library": ("GET", OPEN_LIBRARY, {}),
    "internet_archive": ("GET", INTERNET_ARCHIVE, {}),
    "wikidata": ("GET", "/wikidata/sparql", {"params": {"query": MURTAGH}}),
}
everywhere = pytest.mark.parametrize("provider", list(REQUESTS))


async def ask(client, provider, **changes):
    method, url, options = REQUESTS[provider]
    return await client.request(method, url, **options | changes)


async def stats(client, provider):
    return (await client.get("/__sandbox/stats")).json()["providers"][provider]


@everywhere
async def test_the_right_key_is_accepted(sandbox, provider):
    assert (await ask(sandbox(), provider)).status_code == 200


@pytest.mark.parametrize(
    ("provider", "changes", "status", "words"),
    [
        ("gemini", {"headers": {"x-goog-api-key": "wrong"}}, 400, "API_KEY_INVALID"),
        ("gemini", {"headers": {}}, 403, "PERMISSION_DENIED"),
        ("xai", {"headers": {"Authorization": "Bearer wrong"}}, 400, "Incorrect API key"),
        ("xai", {"headers": {}}, 401, "No API key provided"),
        ("isbndb", {"headers": {"Authorization": "Bearer sandbox-isbndb"}}, 401, "Full authentication is required"),
        ("isbndb", {"headers": {}}, 401, "Full authentication is required"),
        ("google_books", {"params": {"q": "murtagh"}}, 429, '"quota_limit_value":"0"'),
        ("google_books", {"params": {"q": "murtagh", "key": "wrong"}}, 400, "API_KEY_INVALID"),
        ("wikidata", {"headers": {"User-Agent": "Alexandria/1.0"}}, 403, "User-Agent"),
        ("open_library", {"headers": {"User-Agent": "Alexandria/1.0"}}, 403, "<h1>403 Forbidden</h1>"),
        (
            "open_library",
            {"headers": {"User-Agent": "Alexandria/1.0 (nobody in particular)"}},
            403,
            "<h1>403 Forbidden</h1>",
        ),
    ],
)
async def test_wrong_keys_are_refused_in_the_services_own_words(sandbox, provider, changes, status, words):
    answer = await ask(sandbox(), provider, **changes)
    assert answer.status_code == status
    assert words in answer.text


async def test_keys_can_be_chosen(sandbox):
    client = sandbox(keys={"isbndb": "mine"})
    assert (await ask(client, "isbndb")).status_code == 401
    assert (await ask(client, "isbndb", headers={"Authorization": "mine"})).status_code == 200


@everywhere
async def test_a_burst_gets_exactly_its_rate(sandbox, hands, provider):
    client = sandbox(hands.clock, rates={provider: 3})
    assert [(await ask(client, provider)).status_code for _ in range(5)] == [200, 200, 200, 429, 429]


@everywhere
async def test_no_window_of_a_second_exceeds_the_rate(sandbox, hands, provider):
    """Three late in one second and one early in the next are four within a second; a refusal does not count."""
    client = sandbox(hands.clock, rates={provider: 3})
    answers = []
    for pause in (0.8, 0.1, 0.05, 0.15, 0.69, 0.02):  # at 0.8, 0.9, 0.95, 1.1, 1.79 and 1.81 s
        hands.move(pause)
        answers.append((await ask(client, provider)).status_code)
    assert answers == [200, 200, 200, 429, 429, 200]


async def test_a_rate_below_one_spaces_requests(sandbox, hands):
    client = sandbox(hands.clock, rates={"isbndb": 0.5})
    answers = []
    for pause in (0, 1.9, 0.2):
        hands.move(pause)
        answers.append((await ask(client, "isbndb")).status_code)
    assert answers == [200, 429, 200]


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ("gemini", "RESOURCE_EXHAUSTED"),
        ("xai", "Requests per Second (actual/limit): 3/2"),
        ("isbndb", "Limit Exceeded"),
        ("google_books", '"quota_unit":"1/min/{project}"'),
        ("open_library", "Too Many Requests. Consider using https://openlibrary.org/developers/dumps."),
        ("internet_archive", "<h1>429 Too Many Requests</h1>"),
        ("wikidata", "Please retry in 1 seconds."),
    ],
)
async def test_rate_limits_are_reported_in_the_services_own_words(sandbox, hands, provider, words):
    client = sandbox(hands.clock, rates={provider: 2})
    refused = [await ask(client, provider) for _ in range(3)][-1]
    assert refused.status_code == 429
    assert words in refused.text


async def test_gemini_sends_its_retry_hint_in_the_body_only(sandbox, hands):
    client = sandbox(hands.clock, rates={"gemini": 2})
    await ask(client, "gemini")
    hands.move(0.25)
    await ask(client, "gemini")
    refused = await ask(client, "gemini")
    details = {detail["@type"].rpartition(".")[2]: detail for detail in refused.json()["error"]["details"]}
    assert details["RetryInfo"]["retryDelay"] == "0.75s"
    assert "PerMinute" in details["QuotaFailure"]["violations"][0]["quotaId"]
    assert "retry-after" not in refused.headers
    hands.move(0.75)
    assert (await ask(client, "gemini")).status_code == 200


async def test_identified_clients_have_a_higher_rate(sandbox, hands):
    """Open Library: three a second with a contact, one without."""
    client = sandbox(hands.clock, rates={"open_library": 3})
    curl = [(await ask(client, "open_library", headers={"User-Agent": "curl/8.5"})).status_code for _ in range(3)]
    known = [(await ask(client, "open_library")).status_code for _ in range(3)]
    assert (curl, known) == ([200, 429, 429], [200, 200, 200])


async def test_isbndb_counts_units_until_midnight_utc(sandbox, hands):
    """A bulk request costs one unit per ISBN, is refused as a whole above the quota, and each day starts at zero."""
    client = sandbox(hands.clock, daily_limits={"isbndb": 5})
    options = REQUESTS["isbndb"][2]

    async def plan():
        return (await client.get("/isbndb/key", **options)).json()["plan_limit"]

    async def bulk(count):
        return await client.post("/isbndb/books", json={"isbns": ["9780593781326"] * count}, **options)

    assert (await bulk(4)).status_code == 200
    assert await plan() == {"total": 5, "spent": 4, "left": 1}
    refused = await bulk(2)
    assert (refused.status_code, refused.json()) == (429, {"message": "Daily quota exceeded, please try again later"})
    assert (await ask(client, "isbndb")).status_code == 200
    assert (await ask(client, "isbndb")).status_code == 429
    assert await plan() == {"total": 5, "spent": 5, "left": 0}
    assert (await stats(client, "isbndb"))["units"] == 5
    hands.move(12 * 3600)
    assert (await ask(client, "isbndb")).status_code == 200


async def test_google_books_counts_units_until_midnight_in_california(sandbox, hands):
    """Seven hours behind in summer: at 06:59 UTC it is still yesterday there."""
    hands.at = datetime(2026, 7, 1, 6, 58, tzinfo=UTC)
    client = sandbox(hands.clock, daily_limits={"google_books": 1})
    assert (await ask(client, "google_books")).status_code == 200
    refused = await ask(client, "google_books")
    assert refused.status_code == 429
    assert refused.json()["error"]["details"][0]["metadata"]["quota_limit"] == "defaultPerDayPerProject"
    hands.move(60)
    assert (await ask(client, "google_books")).status_code == 429
    hands.move(60)
    assert (await ask(client, "google_books")).status_code == 200


@pytest.mark.parametrize("provider", ["internet_archive", "wikidata"])
async def test_some_services_send_a_retry_after_header(sandbox, hands, provider):
    client = sandbox(hands.clock, rates={provider: 0.2})
    await ask(client, provider)
    hands.move(1.5)
    assert (await ask(client, provider)).headers["retry-after"] == "4"
    hands.move(4)
    assert (await ask(client, provider)).status_code == 200


async def test_other_quotas_are_reported_as_days_or_credit(sandbox):
    client = sandbox(daily_limits={"gemini": 0, "xai": 0})
    assert "GenerateRequestsPerDay" in (await ask(client, "gemini")).text
    assert "used all available credits" in (await ask(client, "xai")).text


@everywhere
async def test_latency_depends_on_its_scale_and_not_on_earlier_requests(sandbox, hands, provider):
    """The same request takes the same time; twice the scale takes twice as long."""
    await ask(sandbox(hands.clock, latency_scale=1), provider)
    client = sandbox(hands.clock, latency_scale=2)
    await client.get("/__sandbox/stats")
    await ask(client, "open_library", headers={"User-Agent": "curl/8.5"})
    hands.slept.clear()
    await ask(client, provider)
    await ask(sandbox(hands.clock, latency_scale=1), provider)
    twice, once = hands.slept
    assert once > 0
    assert twice == pytest.approx(2 * once)


@pytest.mark.parametrize(
    ("provider", "slow", "fast"),
    [
        ("isbndb", ("POST", "/isbndb/books", {"json": {"isbns": ["9780593781326"]}}), "/isbndb/key"),
        ("google_books", None, f"{GOOGLE_BOOKS}/zyTCAlFPjgYC"),
        ("open_library", None, "/open_library/isbn/9780593781326.json"),
        ("internet_archive", None, "/internet_archive/metadata/isbn_9780593781326"),
    ],
)
async def test_each_route_has_its_own_latency(sandbox, hands, provider, slow, fast):
    """Over many seeds, the median of a search is longer than that of one record."""
    usual = REQUESTS[provider]
    medians = []
    for method, url, options in (slow or usual, ("GET", fast, usual[2])):
        for seed in range(15):
            client = sandbox(hands.clock, latency_scale=1, seed=seed)
            await client.request(
                method, url, headers=usual[2].get("headers"), **{k: v for k, v in options.items() if k != "headers"}
            )
        medians.append(statistics.median(hands.slept))
        hands.slept.clear()
    assert medians[0] > 1.3 * medians[1]


async def test_stats_list_each_request_its_time_and_its_outcome(sandbox, hands):
    client = sandbox(hands.clock, rates={"isbndb": 2})
    for pause in (0.0, 0.5, 0.4, 0.2):
        hands.move(pause)
        await ask(client, "isbndb")
    await ask(client, "isbndb", headers={"Authorization": "wrong"})
    answer = await stats(client, "isbndb")
    assert answer["arrivals"] == 5
    assert answer["accepted"] == 3
    assert answer["refused"] == {"429": 1, "401": 1}
    assert answer["statuses"] == [200, 200, 429, 200, 401]
    assert answer["units"] == 3
    assert sorted(answer["clients"].values()) == [1, 4]
    assert "sandbox-isbndb" not in str(answer)
    assert answer["peak_per_second"] == 4  # at 0.5, 0.9, and twice at 1.1 s
    assert answer["peak_accepted_per_second"] == 2
    start = answer["times"]["monotonic"][0]
    assert [round(at - start, 3) for at in answer["times"]["monotonic"]] == [0, 0.5, 0.9, 1.1, 1.1]
    assert answer["times"]["wall"][-1] == hands.at.timestamp()
    assert (await stats(client, "gemini"))["arrivals"] == 0


async def test_stats_count_days_in_utc_and_in_the_providers_time_zone(sandbox, hands):
    """Five requests before and after midnight UTC: still one day in California."""
    hands.at = datetime(2026, 11, 24, 23, 59, 58, tzinfo=UTC)
    client = sandbox(hands.clock, rates={"isbndb": 1, "google_books": 9}, daily_limits={"google_books": 4})
    isbns = {"isbns": ["9780593781326"] * 3}
    for pause in (0.0, 0.5, 1.0, 1.0, 1.0):
        hands.move(pause)
        await ask(client, "google_books")
        await client.post("/isbndb/books", json=isbns, **REQUESTS["isbndb"][2])
    isbndb, google = await stats(client, "isbndb"), await stats(client, "google_books")
    assert isbndb["days"] == isbndb["own_days"]
    assert isbndb["days"] == {
        "2026-11-24": {"accepted": 2, "refused": 1, "asked": 9, "units": 6},
        "2026-11-25": {"accepted": 2, "asked": 6, "units": 6},
    }
    assert google["days"] == {
        "2026-11-24": {"accepted": 3, "asked": 3, "units": 3},
        "2026-11-25": {"accepted": 1, "refused": 1, "asked": 2, "units": 1},
    }
    assert google["own_days"] == {"2026-11-24": {"accepted": 4, "refused": 1, "asked": 5, "units": 4}}


async def test_stats_count_the_calls_of_models_by_month(sandbox):
    """All requests, those that were billed, and of these the ones that a fault corrupted."""
    client = sandbox(faults="xai:down@2,xai:refusal@3")
    for month in ("November 2023", "November 2023", "November 2023", "December 2023"):
        message = {"model": "grok-4.3", "messages": [{"role": "user", "content": f"20 books of {month}"}]}
        await ask(client, "xai", json=message)
    await ask(client, "gemini", content="{", json=None)
    answer = (await client.get("/__sandbox/stats")).json()["model_calls"]
    assert answer == {
        "xai": {
            "2023-11": {"asked": 3, "paid": 2, "spoilt": 1},
            "2023-12": {"asked": 1, "paid": 1, "spoilt": 0},
        }
    }


async def test_reset_clears_arrivals_but_not_quotas(sandbox):
    client = sandbox(daily_limits={"isbndb": 1})
    await ask(client, "isbndb")
    await client.post("/__sandbox/reset")
    assert (await stats(client, "isbndb"))["arrivals"] == 0
    assert (await ask(client, "isbndb")).status_code == 429


async def test_requests_to_unknown_paths_are_counted(sandbox):
    client = sandbox()
    assert (await client.get("/isbndb/nowhere")).status_code == 404
    assert (await stats(client, "isbndb"))["refused"] == {"404": 1}
