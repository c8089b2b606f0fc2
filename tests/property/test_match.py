"""What holds of the matcher whatever the titles and names."""

import string
import unicodedata
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE, choose, merge, same_work, score, work_key
from alexandria.catalogue.matching.titles import read
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord

RECORD = SourceRecord("shelf", "1", datetime(2026, 11, 24, tzinfo=UTC))
WORDS = st.sampled_from(
    ["the", "a", "La", "Dune", "messiah", "Vol.", "3", "(Book 2)", ":", "-", "&", "and", "İstanbul", "Straße", "Ørsted",
     "戦争", "Война", "مدينة", "गोदान", "#4", "II", "two", "hundred", ";", "or", "Graphic Novel", "summary of", "'"]
)  # fmt: skip
TITLES = st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=7).map(" ".join))
NAMES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["Brown, Dan", "J.R.R. Tolkien", "Лев Толстой", "村上春樹", "Le Guin, Ursula K."]),
)
HITS = st.builds(
    EditionRecord,
    source=st.just(RECORD),
    title=TITLES,
    subtitle=TITLES,
    authors=st.lists(NAMES, max_size=3).map(tuple),
    isbn13=st.sampled_from([None, Isbn13.parse("9780385504201"), Isbn13.parse("9780316556347")]),
    published=st.sampled_from([None, PartialDate(2003), PartialDate(2018, 4, 10)]),
    language=st.sampled_from(["", "en", "spa", "Eng English", "pt-BR"]),
    series=st.sampled_from(["", "Dune #2", "Harry Bosch, #10; Harry Bosch Universe, #12"]),
)
PLAIN = st.text(string.ascii_letters, min_size=4, max_size=9)
TITLE = st.lists(PLAIN, min_size=2, max_size=5).map(" ".join)
NAME = st.tuples(PLAIN.map(lambda word: f"Q{word}"), PLAIN.map(lambda word: f"Z{word}")).map(" ".join)


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(TITLES)
def test_no_title_is_read_as_nothing(text):
    assert read(text).words


@given(TITLE)
def test_a_title_read_again_from_its_words_keeps_them(text):
    words = read(text).words
    assert read(" ".join(words)).words == words


@given(HITS, HITS)
def test_two_records_are_one_work_from_either_side(one, other):
    judged, turned = same_work(one, other), same_work(other, one)
    assert (judged.verdict, judged.score) == (turned.verdict, turned.score)


@given(HITS)
def test_a_record_is_its_own_work_when_its_author_is_known(hit):
    judged = same_work(hit, hit)
    assert judged.verdict == ACCEPT or "no author to compare" in judged.reasons


@given(TITLE, NAME)
def test_a_candidate_accepts_the_record_of_the_same_words(title, author):
    assert score(Candidate(title, author), EditionRecord(RECORD, title, authors=(author,))).verdict == ACCEPT


@given(TITLES, NAMES, st.lists(HITS, max_size=5))
def test_a_chosen_edition_was_scored_and_accepted(title, author, hits):
    accepted, scored, reason = choose(Candidate(title, author, 2018, 4), hits)
    assert len(scored) == len(hits)
    assert reason
    assert {found.verdict for found in scored} <= {ACCEPT, DOUBT, REFUSE}
    assert all(0 <= found.score <= 100 for found in scored)
    if accepted is not None:
        assert accepted.isbn13
        assert any(found.hit is accepted and found.verdict == ACCEPT for found in scored)


@given(st.lists(st.lists(st.builds(Candidate, TITLES, NAMES, named_by=st.just(("gemini",))), max_size=4), max_size=3))
def test_merging_loses_no_book_and_no_generator(lists):
    merged = merge(lists)
    assert len(merged) <= sum(map(len, lists))
    assert bool(merged) == any(lists)
    assert all(candidate.named_by == ("gemini",) for candidate in merged)


@given(TITLES, st.lists(NAMES, max_size=3))
def test_no_work_is_without_a_key(title, authors):
    assert work_key(title, authors).strip()


@given(TITLE, NAME)
def test_a_key_outlives_case_accents_and_articles(title, author):
    accented = "".join(f"{letter}\u0301" if letter in "aeiou" else letter for letter in title)
    key = work_key(title, [author])
    assert work_key(title.upper(), [author.upper()]) == key
    assert work_key(unicodedata.normalize("NFC", accented), [author]) == key
    assert work_key(f"The {title}", [author]) == key
    assert work_key(f"{title}, The", [author]) == key
    given_name, family = author.split()
    assert work_key(title, [f"{family}, {given_name}"]) == key
