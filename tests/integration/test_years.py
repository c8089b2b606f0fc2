"""Years in reverse: seeding refuses them and names the field, scheduling takes them in either order, on every surface."""

import re

import httpx2
import pytest

from alexandria.backfill.repositories import months
from alexandria.cli.options import in_order, years
from alexandria.core.errors import BadInput

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "canary-secret-of-the-door"
INTERNAL = "/api/internal"


@pytest.fixture(autouse=True)
async def _seeded(empty, system):
    async with system.database.transaction() as connection:
        await months.seed(connection, 2022, 2023)


@pytest.mark.parametrize("body", [{"year_start": 2023, "year_end": 2022}, {"year_start": 2050}, {"year_end": 1999}])
async def test_seeding_refuses_them_and_names_the_field(api, sql, body):
    """Also where one end is the default."""
    refused = await api.post(f"{INTERNAL}/seed-backfill-queue", json=body)
    assert refused.status_code == 422
    error = refused.json()["error"]
    assert error["message"] == "year_end: year_start must not be after year_end"
    assert error["details"]["problems"] == [{"field": "year_end", "message": "year_start must not be after year_end"}]
    assert await sql("SELECT count(*) AS n FROM backfill_log") == [{"n": 24}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"year_start": 1899}, "year_start"),
        ({"year_end": 2101}, "year_end"),
        ({"year_start": "2000"}, "year_start"),
        ({"year_start": 2000.5}, "year_start"),
        ({"year_end": None}, "year_end"),
        ({"year_strat": 2000}, "year_strat"),
    ],
)
async def test_other_mistakes_in_a_seed_name_their_field(api, body, field):
    refused = await api.post(f"{INTERNAL}/seed-backfill-queue", json=body)
    assert (refused.status_code, refused.json()["error"]["details"]["problems"][0]["field"]) == (422, field)


async def test_scheduling_takes_them_in_either_order(api):
    plans = []
    for start, end in ((2022, 2023), (2023, 2022)):
        body = {"dry_run": True, "batch_size": 24, "year_range": {"start": start, "end": end}}
        answer = await api.post(f"{INTERNAL}/schedule-backfill", json=body)
        assert answer.json()["months_selected"] == 24
        plans.append(answer.json()["plan"])
    assert plans[0] == plans[1]


@pytest.mark.parametrize(("bounds", "count"), [({"start": 2023}, 12), ({"end": 2022}, 12), ({}, 24)])
async def test_one_bound_alone_is_open_on_the_other_side(api, bounds, count):
    answer = await api.post(
        f"{INTERNAL}/schedule-backfill", json={"dry_run": True, "batch_size": 50, "year_range": bounds}
    )
    assert answer.json()["months_selected"] == count


async def test_mistakes_in_a_year_range_name_their_field(api):
    for bounds, field in (
        ({"start": 1899}, "year_range.start"),
        ({"end": "x"}, "year_range.end"),
        ({"ende": 1}, "year_range.ende"),
    ):
        refused = await api.post(f"{INTERNAL}/schedule-backfill", json={"year_range": bounds})
        assert (refused.status_code, refused.json()["error"]["details"]["problems"][0]["field"]) == (422, field)


async def test_the_page_refuses_to_seed_them(app):
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://alexandria") as visitor:
        token = re.findall(r'name="token" value="([^"]+)"', (await visitor.get("/login")).text)[0]
        await visitor.post("/login", data={"token": token, "secret": SECRET, "to": "/"})
        token = re.findall(r'name="token" value="([^"]+)"', (await visitor.get("/")).text)[0]
        refused = await visitor.post("/seed", data={"token": token, "start": "2023", "end": "2022"})
    assert refused.status_code == 422
    assert "must not be after year_end" in refused.text


async def test_the_command_line_seeds_in_order_and_schedules_in_either():
    assert years("2023..2022") == (2023, 2022)
    with pytest.raises(BadInput, match=r"^2023\.\.2022: start year must not be after end year$") as refused:
        in_order("2023..2022", 2023, 2022)
    assert refused.value.hint == "write 2022..2023"
