"""Whatever persons decide and merge between re-runs, look-ups and enrichment: no decision and no evidence is lost."""

import asyncio
import dataclasses
import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg.rows import dict_row

from alexandria.backfill.composition import compose
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue import curation, merging, splitting, work_correction
from alexandria.catalogue.decision_log import Curator
from alexandria.catalogue.models import Isbn13
from alexandria.core.errors import BadInput, DecisionConflict, NotNow, Unknown
from alexandria.core.month import Month
from alexandria.database.pool import Database
from tests.support.filled_months import process
from tests.support.sampling import examples
from tests.support.scripted_backfill import Scripted
from tests.support.shelves import GUIDE, OTHER, REPRINT, RIGHT, SONG, STING, StockedShelf, printed, stocked

MONTHS = [Month(2023, 11), Month(2023, 12)]
ISBNS = st.sampled_from([RIGHT, REPRINT, GUIDE, OTHER])
WORKS = st.integers(0, 3)
TITLES = st.sampled_from(["", "Another Song", "The Bee Sting"])
CHANGES = st.sampled_from([("title", "Another Song"), ("title", "The Bee Sting"), ("contributors", "Pól Lynch; Ann (translator)"),
                           ("first_published", "1999"), ("first_published", ""), ("language", "de")])  # fmt: skip
DATES = st.sampled_from(["2001", "2002-02", ""])
EMPTY = (
    "SET session_replication_role = replica; TRUNCATE backfill_log, work, curation_decision, earlier_candidate CASCADE"
)
# Everything that people and other systems see of the books, which an undo gives back.
SHOWN = """
    SELECT jsonb_build_array((SELECT jsonb_agg(l ORDER BY work_id) FROM work_listing AS l), (SELECT jsonb_agg(r ORDER BY id) FROM reviewed_candidate AS r),
           (SELECT jsonb_agg(jsonb_build_array(isbn13, book_of(work_id)) ORDER BY isbn13) FROM edition),
           (SELECT jsonb_agg(w ORDER BY isbn13) FROM withdrawn_edition AS w),
           (SELECT jsonb_agg(jsonb_build_array(id, title, author, first_published, language, (
                SELECT jsonb_agg(jsonb_build_array(contributor_id, role) ORDER BY position) FROM work_contributor WHERE work_id = work.id))
            ORDER BY id) FROM work WHERE NOT retired)) AS seen
"""
ACTS = {name: getattr(module, name) for module, names in (
    (curation, ("reject", "pin", "accept", "exclude", "correct", "undo")), (merging, ("merge", "same", "different")),
    (splitting, ("split",)), (work_correction, ("correct_work",))) for name in names}  # fmt: skip


class Review(RuleBasedStateMachine):
    """Two months, two books, sources that change, and persons who decide, merge and undo."""

    url = ""

    def __init__(self):
        super().__init__()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(EMPTY)
        self.looking = psycopg.connect(self.url, autocommit=True, row_factory=dict_row)
        self.runner = asyncio.Runner()
        self.database = Database(self.url, size=3)
        self.runner.run(self.database.__aenter__())
        self.jobs = JobQueue(self.database)
        self.runner.run(self.jobs.open())
        self.shelf = stocked()
        self.decided = {}  # by id, in order: what was decided, as stored
        self.moved = {}  # by split: the editions that it moved
        self.undone = set()
        self.evidence = set()
        self.recorded_at = {}  # by month: how many decisions there were when it was recorded
        self.regrouped_at = 0  # the newest decision that merged or split works, or undid that or a pin

    def teardown(self):
        self.runner.run(self.jobs.aclose())
        self.runner.run(self.database.__aexit__())
        self.runner.close()
        self.looking.close()

    def sql(self, statement, *parameters):
        return self.looking.execute(statement, parameters or None).fetchall()

    def backfill(self, books=(SONG, STING), days_late=0):
        return compose(
            self.database,
            self.jobs,
            [Scripted("gemini", [list(books)])],
            SourcePool([self.shelf], Policy.BALANCED),
            now=lambda: datetime.now(UTC) - timedelta(days=days_late),
        )

    def work(self, which):
        ids = [row["id"] for row in self.sql("SELECT id FROM work WHERE NOT retired ORDER BY id")]
        return ids[which % len(ids)] if ids else 1

    def standing(self, *acts):
        return [row for id_, row in sorted(self.decided.items()) if row["act"] in acts and id_ not in self.undone]

    def book(self, work):
        """The work that a work is shown under, by the decisions that stand."""
        led = {row["work_id"]: row["other_work_id"] for row in self.standing("merge")}
        while work in led:
            work = led[work]
        return work

    def counters(self):
        return self.sql(
            "SELECT year, month, books_generated, isbns_resolved, isbns_queued FROM backfill_log ORDER BY 1, 2"
        )

    def decide(self, name, *values, expected=None):
        """A person's act, which changes no counter; return the id of the decision, or None if it was refused."""
        before = self.counters()

        async def act():
            async with self.database.transaction() as connection:
                return await ACTS[name](connection, *values, Curator("Ann", "looked", expected))

        try:
            made = self.runner.run(act())
        except DecisionConflict:
            raise
        except (Unknown, NotNow, BadInput):
            made = None
        assert self.counters() == before
        if made is not None:
            [row] = self.sql("SELECT * FROM curation_decision WHERE id = %s", made)
            self.decided[made] = row
            self.moved[made] = self.sql("SELECT * FROM split_edition WHERE decision_id = %s", made)
            undone = self.decided.get(row["undoes"], {})
            if row["act"] in ("merge", "split") or undone.get("act") in ("merge", "split", "pin"):
                self.regrouped_at = made
        return made

    @initialize()
    def begin(self):
        self.run_again(MONTHS[0], [SONG, STING], late=False)

    @rule(month=st.sampled_from(MONTHS), books=st.sampled_from([[SONG], [STING], [SONG, STING]]), late=st.booleans())
    def run_again(self, month, books, late):
        self.runner.run(process(self.backfill(books, 40 if late else 0), month))
        self.recorded_at[month] = max(self.decided, default=0)

    @rule()
    def look_up_again(self):
        self.runner.run(self.backfill().follow_up.recheck())

    @rule(publisher=st.sampled_from(["Oneworld", "Picador"]), day=st.integers(1, 28))
    def enrich(self, publisher, day):
        with self.looking.transaction():
            self.looking.execute("UPDATE edition SET enrich_at = now()")
        better = {
            isbn: printed("Prophet Song", "Paul Lynch", isbn, f"2023-11-{day:02}", publisher)
            for isbn in (RIGHT, REPRINT)
        }
        self.shelf.by_isbn = better
        self.runner.run(self.backfill().follow_up.enrich())

    @rule(missing=st.sets(ISBNS), renumbered=st.booleans())
    def change_the_source(self, missing, renumbered):
        """Records vanish and come back, and one may have another number than before."""
        full = stocked()
        self.shelf = StockedShelf({
            title: [
                dataclasses.replace(hit, isbn13=Isbn13(GUIDE)) if renumbered and hit.isbn13 == RIGHT else hit
                for hit in hits
                if hit.isbn13 not in missing
            ]
            for title, hits in full.holds.items()
        })  # fmt: skip

    @rule(work=WORKS, isbn=ISBNS)
    def reject(self, work, isbn):
        self.decide("reject", self.work(work), Isbn13(isbn))

    @rule(work=WORKS, isbn=ISBNS)
    def pin(self, work, isbn):
        self.decide("pin", self.work(work), Isbn13(isbn))

    @rule(work=WORKS, subject=st.one_of(ISBNS.map(Isbn13), st.sampled_from(MONTHS)))
    def accept(self, work, subject):
        self.decide("accept", self.work(work), subject)

    @rule(work=WORKS, month=st.sampled_from([None, *MONTHS]))
    def exclude(self, work, month):
        self.decide("exclude", self.work(work), month)

    @rule(which=st.integers(0, 20), value=DATES)
    def correct(self, which, value):
        editions = self.sql("SELECT isbn13, work_id FROM edition ORDER BY isbn13")
        if editions:
            chosen = editions[which % len(editions)]
            made = self.decide("correct", chosen["work_id"], Isbn13(chosen["isbn13"]), ("published", value))
            assert made is not None

    @rule(one=WORKS, other=WORKS, act=st.sampled_from(["merge", "same", "different"]))
    def compare(self, one, other, act):
        one, other = self.work(one), self.work(other)
        apart = {
            frozenset((self.book(row["work_id"]), self.book(row["other_work_id"])))
            for row in self.standing("different", "split")
        }
        books = frozenset((self.book(one), self.book(other)))
        made = self.decide(act, one, other)
        assert (made is not None) == (len(books) == 2 and books not in apart)

    @rule(one=WORKS, other=WORKS, act=st.sampled_from(["merge", "different"]))
    def compare_and_undo(self, one, other, act):
        """All is as if nobody had decided."""
        before = self.sql(SHOWN)
        made = self.decide(act, self.work(one), self.work(other))
        if made is not None:
            assert self.decide("undo", made) is not None
            self.undone.add(made)
            assert self.sql(SHOWN) == before

    def target(self, into, title):
        return splitting.NewWork(title) if into is None else self.work(into)

    @rule(work=WORKS, isbns=st.sets(ISBNS, min_size=1), into=st.one_of(st.none(), WORKS), title=TITLES)
    def split(self, work, isbns, into, title):
        self.decide("split", self.work(work), sorted(map(Isbn13, isbns)), self.target(into, title))

    @rule(which=st.integers(0, 20), into=st.one_of(st.none(), WORKS), title=TITLES)
    def split_and_undo(self, which, into, title):
        """All is as if nobody had decided; a new work is gone."""
        editions = self.sql("SELECT isbn13, work_id FROM edition ORDER BY isbn13")
        if not editions:
            return
        chosen, before = editions[which % len(editions)], self.sql(SHOWN)
        made = self.decide("split", chosen["work_id"], [Isbn13(chosen["isbn13"])], self.target(into, title))
        assert (made is not None) == (into is None or self.book(self.work(into)) != self.book(chosen["work_id"]))
        if made is not None:
            assert self.decide("undo", made) is not None
            self.undone.add(made)
            assert self.sql(SHOWN) == before

    @rule(work=WORKS, change=CHANGES)
    def correct_work(self, work, change):
        assert self.decide("correct_work", self.work(work), change) is not None

    @rule(work=WORKS, change=CHANGES)
    def correct_work_and_undo(self, work, change):
        before = self.sql(SHOWN)
        made = self.decide("correct_work", self.work(work), change)
        assert self.decide("undo", made) is not None
        self.undone.add(made)
        assert self.sql(SHOWN) == before

    @rule(which=st.integers(0, 20))
    def undo(self, which):
        if self.decided:
            chosen = list(self.decided)[which % len(self.decided)]
            if self.decide("undo", chosen) is not None:
                assert chosen not in self.undone
                self.undone.add(chosen)

    @rule(work=WORKS, isbn=ISBNS)
    def decide_without_having_seen_the_newest(self, work, isbn):
        chosen = self.work(work)
        book = self.book(chosen)
        about = [
            row
            for row in self.decided.values()
            if book in {self.book(row[name]) for name in ("work_id", "other_work_id")}
        ]
        newest = max((row["id"] for row in about), default=0)
        if newest and self.sql("SELECT FROM work WHERE id = %s", chosen):
            with pytest.raises(DecisionConflict):
                self.decide("reject", chosen, Isbn13(isbn), expected=newest - 1)

    @invariant()
    def every_decision_is_as_it_was_made(self):
        stored = {row["id"]: row for row in self.sql("SELECT * FROM curation_decision")}
        assert stored == self.decided
        standing = {row["id"] for row in self.sql("SELECT id FROM standing_decision")}
        assert standing == {id_ for id_, row in self.decided.items() if row["act"] != "undo"} - self.undone

    @invariant()
    def the_review_queue_is_what_follows_and_asks_nothing_that_was_answered(self):
        columns = "work_id, subject, isbn13, year, month, candidate_id, reasons"
        queued = self.sql(f"SELECT {columns} FROM review_item ORDER BY work_id, subject")
        assert queued == self.sql(f"SELECT {columns} FROM due_review ORDER BY work_id, subject")
        asked = {(row["work_id"], row["isbn13"], row["year"], row["month"]) for row in queued}
        answered = [row for id_, row in self.decided.items() if row["act"] != "undo" and id_ not in self.undone]
        assert asked.isdisjoint((row["work_id"], row["isbn13"], row["year"], row["month"]) for row in answered)
        flagged = {row["work_id"] for row in self.sql("SELECT work_id FROM work_listing WHERE needs_review")}
        assert flagged == {self.book(row["work_id"]) for row in queued}

    @invariant()
    def every_record_that_was_considered_is_kept(self):
        rows = self.sql("SELECT title, evidence FROM candidate UNION ALL SELECT title, evidence FROM earlier_candidate")
        found = {(row["title"], json.dumps(hit, sort_keys=True)) for row in rows for hit in row["evidence"]}
        assert self.evidence <= found
        self.evidence = found

    @invariant()
    def what_stands_is_what_is_shown(self):
        """A pin is the ISBN, a rejected ISBN is none, and what was recorded after the decision does not have it at all."""
        numbers = {}
        for row in self.standing("reject", "pin", "split"):
            if row["act"] != "split":
                numbers[row["work_id"], row["isbn13"]] = row
            for moved in self.moved.get(row["id"], ()):
                numbers[moved["from_work_id"], moved["isbn13"]] = row | {"act": "reject"}
                numbers[moved["to_work_id"], moved["isbn13"]] = row
        rejected = {key: row["id"] for key, row in numbers.items() if row["act"] == "reject"}
        excluded = {(self.book(row["work_id"]), row["year"], row["month"]) for row in self.standing("exclude")}
        holders = {row["isbn13"]: row["work_id"] for row in self.sql("SELECT isbn13, work_id FROM edition")}
        shown = self.sql(
            "SELECT c.*, r.isbn13 AS reviewed, r.excluded_by FROM candidate AS c JOIN reviewed_candidate AS r USING (id)"
        )
        for row in shown:
            book, isbn = self.book(row["work_id"]), row["isbn13"]
            pins = [(each["id"], number) for (work, number), each in numbers.items()
                    if self.book(work) == book and each["act"] == "pin"]  # fmt: skip
            holder = holders.get(isbn)
            refusing = [id_ for (work, number), id_ in rejected.items() if number == isbn and self.book(work) == book
                        and (work == holder or self.book(holder) != book)]  # fmt: skip
            assert row["reviewed"] == (max(pins)[1] if pins else None if refusing else isbn)
            assert (row["excluded_by"] is not None) == bool(
                {(book, None, None), (book, row["year"], row["month"])} & excluded
            )
            if refusing:
                assert max(*refusing, self.regrouped_at) > self.recorded_at[Month(row["year"], row["month"])]

    @invariant()
    def works_are_shown_as_persons_grouped_them(self):
        works = [row["id"] for row in self.sql("SELECT id FROM work WHERE NOT retired")]
        shown = {
            row["id"]: row["book"] for row in self.sql("SELECT id, book_of(id) AS book FROM work WHERE NOT retired")
        }
        assert shown == {work: self.book(work) for work in works}
        assert {row["work_id"] for row in self.sql("SELECT work_id FROM work_listing")} == {*shown.values()}

    @invariant()
    def what_is_different_takes_nothing_from_the_other(self):
        """What was recorded since persons marked two books as different has no edition of the other one."""
        rows = self.sql(
            "SELECT c.*, e.work_id AS holder FROM candidate AS c JOIN edition AS e USING (isbn13) WHERE c.work_id <> e.work_id"
        )
        for row in rows:
            books = {self.book(row["work_id"]), self.book(row["holder"])}
            recorded = self.recorded_at[Month(row["year"], row["month"])]
            for made in self.standing("different", "split"):
                apart = {self.book(made["work_id"]), self.book(made["other_work_id"])}
                assert apart != books or max(made["id"], self.regrouped_at) > recorded

    @invariant()
    def a_corrected_field_has_the_value_of_a_person(self):
        corrected = {row["isbn13"]: row for row in self.standing("correct")}
        for row in self.sql("SELECT isbn13, published FROM edition"):
            if row["isbn13"] in corrected:
                assert (row["published"] or "") == corrected[row["isbn13"]]["value"]
        works = {row["id"]: row for row in self.sql("SELECT * FROM work")}
        of_works = {(row["work_id"], row["field"]): row for row in self.standing("correct") if row["isbn13"] is None}
        for (work, field), row in of_works.items():
            if field == "contributors":
                assert works[work]["author"] == row["value"].partition(";")[0]
            else:
                assert (works[work][field] or "") == row["value"]

    @invariant()
    def a_split_edition_is_of_the_work_that_a_person_gave_it_to(self):
        """Unless somebody rejected it there and pinned it elsewhere."""
        holders = {row["isbn13"]: row["work_id"] for row in self.sql("SELECT isbn13, work_id FROM edition")}
        last = {moved["isbn13"]: moved for row in self.standing("split") for moved in self.moved[row["id"]]}
        for isbn, moved in last.items():
            rejected = [
                row
                for row in self.decided.values()
                if (row["act"], row["work_id"], row["isbn13"]) == ("reject", moved["to_work_id"], isbn)
            ]
            if not rejected and isbn in holders:
                assert holders[isbn] == moved["to_work_id"]


@pytest.mark.timeout(600)  # on a machine that has much else to do
def test_decisions_and_evidence_through_every_interleaving(database_url):
    Review.url = database_url
    run_state_machine_as_test(
        Review,
        settings=settings(
            phases=[Phase.generate],
            max_examples=examples(15),
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
