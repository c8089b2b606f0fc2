"""What is given to Prometheus and Grafana speaks of metrics that there are, and its rules ring when they should."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alexandria.core.month import Month
from alexandria.operations.alerts.rules import IncidentKind
from alexandria.providers.base import Call
from alexandria.web.api.metrics import CALL_OUTCOMES

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "alexandria.json").read_text(encoding="utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")


def promtool(*arguments, given="", cwd=None):
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], cwd=cwd, input=given, text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


async def exposed(api):
    """The names of metrics with their labels, as they stand in what Prometheus gets."""
    await api.get("/health/live")
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(alexandria_\w+)(?:\{(.*)\})? ", (await api.get("/metrics")).text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


@pytest.mark.parametrize("text", [RULES.read_text(encoding="utf-8"), *QUERIES], ids=["rules", *QUERIES])
async def test_every_metric_and_label_that_is_asked_for_exists(api, text):
    there = await exposed(api)
    asked = re.findall(r"\b(alexandria_\w+)(?:\{([^}]*)\})?", text)
    assert asked
    for name, labels in asked:
        assert name in there
        assert set(re.findall(r"(\w+)=", labels)) <= there[name]
    for labels in re.findall(r"\bby \(([^)]*)\)", text):
        known = set().union(*(there[name] for name, _ in asked)) | {"instance"}
        assert set(re.findall(r"\w+", labels)) <= known


async def test_a_rule_is_there_for_every_kind_of_incident():
    """Exactly one for each, so that none is reported twice."""
    chosen = re.findall(r'alexandria_incident\{kind(=|!~)"([^"]+)"\}', RULES.read_text(encoding="utf-8"))
    rung = {kind: [bool(re.fullmatch(each, kind)) == (how == "=") for how, each in chosen] for kind in IncidentKind}
    assert {kind: sum(times) for kind, times in rung.items()} == dict.fromkeys(IncidentKind, 1)


async def test_no_two_panels_overlap():
    cells = [
        (column, row)
        for at in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for column in range(at["x"], at["x"] + at["w"])
        for row in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(column < 24 for column, _ in cells)


async def test_calls_of_the_last_hour_are_counted_by_outcome(api, system, empty):
    """An older one is not, and what was asked nothing shows zeros."""
    now = datetime.now(UTC)
    for status, ms in ((200, 100), (404, 200), (429, 300), (403, 400), (500, 500), (None, 60_000)):
        await system.cache.record(Call("isbndb", "/books", now, ms, 1, status, month=Month(2023, 1)))
    await system.cache.record(Call("isbndb", "/books", now.replace(year=now.year - 1), 1, 1, 200))
    text = (await api.get("/metrics")).text
    for end, count in zip(CALL_OUTCOMES, (2, 1, 2, 1), strict=True):
        assert f'alexandria_calls_last_hour{{end="{end}",provider="isbndb"}} {count}.0' in text
    assert 'alexandria_call_seconds{provider="isbndb",share="0.5"} 0.3' in text
    assert 'alexandria_call_seconds{provider="isbndb",share="0.95"} 60.0' in text
    assert 'alexandria_calls_last_hour{end="silent",provider="xai"} 0.0' in text


@pytest.mark.long
@needs_promtool
async def test_promtool_accepts_the_rules_and_they_ring_when_they_should():
    for arguments in (("check", "config", "prometheus.yml"), ("test", "rules", "alerts.test.yml")):
        code, message = promtool(*arguments, cwd=RULES.parent)
        assert code == 0, message
        assert "SUCCESS" in message


async def test_every_rule_is_rung_by_its_test():
    """None was added without one that sees it fire."""
    tried = (RULES.parent / "alerts.test.yml").read_text(encoding="utf-8")
    fired = set(re.findall(r"alertname: (\w+)\n +exp_alerts:", tried))
    assert fired == set(re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8")))


@needs_promtool
async def test_promtool_accepts_the_metrics_and_the_dashboards_questions(api, tmp_path):
    code, message = promtool("check", "metrics", given=(await api.get("/metrics")).text)
    assert code == 0, message
    rules = [{"record": f"q{n}", "expr": q.replace("$__rate_interval", "2m")} for n, q in enumerate(QUERIES)]
    asked = tmp_path / "questions.yml"
    asked.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    code, message = promtool("check", "rules", str(asked))
    assert code == 0, message
