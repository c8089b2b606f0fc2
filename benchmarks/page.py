"""How fast and how large is the dashboard with every month filled? One JSON line.

The real server in a process of its own, on a PostgreSQL of its own, over real HTTP on loopback; the page is asked for
by somebody who is logged in, while another browser listens to the stream.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time

import httpx2
import psycopg

from alexandria.core.provider_facts import key_settings
from stage import database

SECRET = "secret-of-the-benchmark"
FILL = """
INSERT INTO backfill_log (year, month) SELECT y, m FROM generate_series(2000, 2024) AS y, generate_series(1, 12) AS m;
UPDATE backfill_log SET status = 'completed', started_at = now() - interval '6 hours', books_generated = 31,
    isbns_resolved = 31 - month % 5, isbns_queued = 20, resolution_rate = round((31 - month % 5) * 100 / 31.0, 2),
    completed_at = now() - make_interval(mins => (2024 - year) * 12 + 12 - month), isbndb_calls = 20;
UPDATE backfill_log SET status = 'failed', error_code = 'timeout', error_message = 'isbndb did not answer within 15 s'
WHERE month = 2 AND year % 5 = 0;
UPDATE backfill_log SET status = 'retry', next_attempt_at = now() + interval '9 hours', error_code = 'quota_spent',
    blocked_reason = 'isbndb: the quota of the day is spent' WHERE year < 2003;
INSERT INTO attempt (token, year, month, began_at, ended_at, worker, outcome)
SELECT gen_random_uuid(), year, month, now(), now(), 'machine:1', 'completed' FROM backfill_log, generate_series(1, 3);
INSERT INTO candidate (year, month, position, title, author, named_by, reason)
SELECT year, month, n, 'Title ' || n, 'Author ' || n, '{gemini}', 'no source has it'
FROM backfill_log, generate_series(1, 31) AS n;
INSERT INTO lane (name, rate, sends, win, gap, daily_limit, daily_cap) VALUES ('isbndb', 3, 3, 1, 0.3, 15000, 13000);
INSERT INTO lane (name, rate, sends, win, gap) SELECT name, 3, 3, 1, 0.3
FROM unnest('{gemini,xai,google_books,open_library,wikidata,internet_archive}'::text[]) AS name;
INSERT INTO call (provider, route, sent_at, ms, units, status, error)
SELECT name, '/books', now() - make_interval(secs => n * 40), n % 900, 1, CASE WHEN n % 20 > 0 THEN 200 END, ''
FROM lane, generate_series(1, 20000) AS n;
INSERT INTO quota (name, day, used) VALUES ('isbndb', (now() AT TIME ZONE 'UTC')::date, 11240);
ANALYZE;
"""


def log_in(client: httpx2.Client) -> None:
    form = client.get("/login").text
    found = re.search(r'name="token" value="([^"]+)"', form)
    assert found
    answer = client.post("/login", data={"token": found[1], "secret": SECRET})
    assert answer.status_code == 303, answer.text


def listen(url: str, over: threading.Event) -> None:
    with httpx2.Client(base_url=url, trust_env=False, timeout=30) as client:
        log_in(client)
        with client.stream("GET", f"/events?since={int(time.time())}-300") as events:
            for _ in events.iter_lines():
                if over.is_set():
                    return


def measure(url: str, requests: int) -> dict[str, float]:
    over = threading.Event()
    with httpx2.Client(base_url=url, trust_env=False, timeout=30) as client:
        log_in(client)
        client.post("/api/internal/rollout/start", json={}, headers={"X-Cron-Secret": SECRET}).raise_for_status()
        listener = threading.Thread(target=listen, args=(url, over))
        listener.start()
        for _ in range(20):
            client.get("/")
        times = []
        for _ in range(requests):
            began = time.perf_counter()
            page = client.get("/")
            times.append(1000 * (time.perf_counter() - began))
            assert page.status_code == 200
        over.set()
        listener.join()
        charts = client.get("/charts")
        assert charts.text.count("<svg") > 10
    assert page.text.count('<td id="m') == 300
    cuts = statistics.quantiles(times, n=100)
    return {
        "months": 300,
        "requests": requests,
        "p50_ms": round(cuts[49], 1),
        "p99_ms": round(cuts[98], 1),
        "bytes": len(page.content),
        "gzipped": len(gzip.compress(page.content)),
        "charts_bytes": len(charts.content),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    arguments = parser.parse_args()
    with database() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(FILL)
        settings = {"DATABASE_URL": server.url, "ALEXANDRIA_WEBHOOK_SECRET": SECRET, "ALEXANDRIA_LOG_LEVEL": "ERROR"}
        settings |= dict.fromkeys(key_settings().values(), "benchmark")  # data for the forecast
        command = [sys.executable, "-m", "alexandria", "--json", "serve", "--port", "0"]
        with subprocess.Popen(
            command, env=os.environ | settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                assert process.stdout is not None
                url = json.loads(process.stdout.readline())["data"]["url"]
                print(json.dumps(measure(url, arguments.requests)))
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
