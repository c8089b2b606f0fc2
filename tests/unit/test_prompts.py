"""What a prompt must say, whichever variant asks."""

import pytest

from alexandria.core.errors import BadInput
from alexandria.core.month import Month, months_of_years
from alexandria.providers.prompts import GENRES, VARIANTS, default_variant, genre, known, render

REGISTERED = {
    "baseline", "contemporary-notable", "annual", "diversity-emphasis", "overlooked-significance", "genre-rotation",
    "era-contextualized",
}  # fmt: skip


def test_the_seven_variants_of_the_contract_are_there():
    assert set(VARIANTS) == REGISTERED


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_names_month_and_count_and_asks_for_json(variant):
    prompt = render(variant, Month(2023, 11), 20)
    assert "November 2023" in prompt
    assert "20 books" in prompt
    assert '{"books": [{"title": "", "author": ""' in prompt
    assert "{month}" not in prompt
    assert "study guides" in prompt


@pytest.mark.parametrize("month", [Month(1900, 1), Month(2024, 12), Month(2100, 12)])
def test_every_variant_can_be_asked_about_every_month(month):
    assert len({render(variant, month, 7) for variant in VARIANTS}) == len(VARIANTS)


def test_an_unknown_variant_is_refused_with_those_there_are():
    for refuse in (known, lambda name: render(name, Month(2023, 11), 20)):
        with pytest.raises(BadInput) as refused:
            refuse("bestsellers")
        assert "bestsellers" in refused.value.message
        assert all(variant in refused.value.hint for variant in VARIANTS)


def test_the_default_is_contemporary_from_2020():
    assert default_variant(Month(2019, 12)) == "baseline"
    assert default_variant(Month(2020, 1)) == "contemporary-notable"


def test_genres_rotate_so_that_each_year_has_all_and_each_calendar_month_another_one():
    assert {genre(month) for month in months_of_years(2023, 2023)} == set(GENRES)
    assert len({genre(Month(year, 11)) for year in range(2000, 2000 + len(GENRES))}) == len(GENRES)
    assert genre(Month(2023, 11)) in render("genre-rotation", Month(2023, 11), 20)
