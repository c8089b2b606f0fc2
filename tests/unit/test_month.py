"""The partition key: parse, order, range."""

import itertools

import pytest

from alexandria.core.errors import BadInput
from alexandria.core.month import Month, months_of_years


def test_reads_back_what_it_prints():
    assert str(Month.parse("2023-11")) == "2023-11"
    assert Month(2023, 11).name == "November 2023"


@pytest.mark.parametrize("text", ["2014-13", "2014-00", "2014-1", "1899-12", "2101-01", "2014/01", "", "２０１４-01"])
def test_refuses_what_is_no_month_and_names_the_cure(text):
    with pytest.raises(BadInput) as refused:
        Month.parse(text)
    assert "YYYY-MM" in refused.value.hint


def test_a_seeded_range_has_300_months_in_order():
    months = list(months_of_years(2000, 2024))
    assert len(months) == 300
    assert months == sorted(months)
    assert all(earlier.next() == later for earlier, later in itertools.pairwise(months))
