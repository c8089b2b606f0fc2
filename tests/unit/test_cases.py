"""Near-equal cases in one test: `cases` reports every failure at once."""

import pytest


def test_every_failed_case_is_reported(cases):
    def odd_numbers_fail():
        with cases() as case:
            for number in range(4):
                with case("number", number):
                    assert number % 2 == 0, "odd"

    with pytest.raises(pytest.fail.Exception) as failed:
        odd_numbers_fail()
    assert str(failed.value).splitlines()[0] == "2 of 4 cases failed:"
    assert "('number', 1): AssertionError: odd" in str(failed.value)
    assert "('number', 3): AssertionError: odd" in str(failed.value)


def test_a_loop_without_a_case_fails(cases):
    with pytest.raises(AssertionError, match="no case"), cases():
        pass
