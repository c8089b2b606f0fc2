"""Names in other spellings and scripts are a doubt at most; a transliteration alone vetoes nothing."""

import pytest

from alexandria.catalogue.matching.authors import (
    ANONYMOUS,
    FAMILY_ONLY,
    INITIALS,
    MISSPELT,
    OTHER,
    PEN_NAME,
    SAME,
    UNKNOWN,
    UNREAD,
    VARIANT,
    agreement,
)
from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE

SPELLINGS = [
    ("Fyodor Dostoyevsky", "Fjodor Dostojewski", MISSPELT), ("Fyodor Dostoyevsky", "Fiódor Dostoievski", MISSPELT),
    ("Dostoevskiĭ, Fedor", "Fyodor Dostoyevsky", VARIANT), ("Anton Chekhov", "Anton Tschechow", MISSPELT), ("Anton Chekhov", "Anton Tchekhov", MISSPELT),
    ("Leo Tolstoy", "Lev Tolstoy", MISSPELT), ("Leo Tolstoy", "Tolstoĭ, Lev Nikolaevich", MISSPELT), ("Leo Tolstoy", "Лев Толстой", MISSPELT),
    ("Ivan Turgenev", "Iwan Turgenjew", MISSPELT), ("Nikolai Gogol", "Nikolaj Gogol", MISSPELT), ("Nikolai Gogol", "Николай Гоголь", MISSPELT),
    ("Naguib Mahfouz", "Najīb Maḥfūẓ", MISSPELT), ("Alexander Moor", "Alejandro Moor", VARIANT), ("Rasha Adli", "رشا عدلي", MISSPELT), ("Oren Tal", "אורן טל", MISSPELT),
    ("Cho Nam-Joo", "Namju Cho", MISSPELT), ("Han Kang", "한강", MISSPELT), ("Ham Seok-heon", "함 석헌", MISSPELT), ("Mo Yan", "莫言", PEN_NAME), ("Yu Hua", "余华", MISSPELT),
    ("Ye Hanao", "葉漢鰲", MISSPELT), ("Yumi Hotta", "ほったゆみ", MISSPELT), ("Haruki Murakami", "村上春樹", UNREAD), ("Murakami Haruki", "Haruki Murakami", SAME),
    ("Вера Полозкова", "Стивен Кинг", OTHER), ("Stephen King", "Лев Толстой", OTHER), ("村上春樹", "芥見下々", OTHER),
    ("W. Bruce Cameron", "Bruce Cameron", INITIALS), ("W. Bruce Cameron", "Anna Cameron", OTHER), ("Kim Stanley MD, PhD", "Kim Stanley", SAME),
    ("Lee Moor IV", "Lee Moor", SAME), ("Stephen King (as Richard Bachman)", "Richard Bachman", SAME), ("Stephen King (as Richard Bachman)", "Stephen King", SAME),
    ("Robert Galbraith (Pseudonym of J. K. Rowling)", "J.K. Rowling", SAME), ("Anonymous", "Anonymous", ANONYMOUS), ("Anonymous", "Anónimo", ANONYMOUS),
    ("Anonymous", "Ann Lee", UNKNOWN), ("Ann Lee", "Lee", FAMILY_ONLY), ("Mary Shelley", "Percy Shelley", OTHER), ("Ann Schmidt", "Alma Schmitz", OTHER),
]  # fmt: skip


PEN_NAMES = [
    ("Robert Galbraith", "J.K. Rowling", PEN_NAME), ("Richard Bachman", "King, Stephen", PEN_NAME), ("Mark Twain", "Samuel L. Clemens", OTHER),
    ("Mark Twain", "Samuel Langhorne Clemens", PEN_NAME), ("Currer Bell", "Charlotte Bronte", PEN_NAME), ("Currer Bell", "Emily Brontë", OTHER),
    ("Carmen Mola", "Jorge Díaz", PEN_NAME), ("Agustín Martínez", "Jorge Díaz", OTHER), ("GarcÃ­a MÃ¡rquez, Gabriel", "Gabriel García Márquez", SAME),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "level"), [*SPELLINGS, *PEN_NAMES])
def test_how_well_two_spellings_of_a_name_agree(one, other, level):
    assert (agreement((one,), (other,)), agreement((other,), (one,))) == (level, level)


TITLED = {
    "a whole title and a name that cannot be read": (("The Long Moor", "Haruki Murakami"), ("The Long Moor", "村上春樹"), ACCEPT),
    "a short title and a name that cannot be read": (("Moor", "Haruki Murakami"), ("Moor", "村上春樹"), DOUBT),
    "a short title of the same year": (("Moor", "Haruki Murakami", {"published": "2001"}), ("Moor", "村上春樹", {"published": "2001"}), ACCEPT),
    "part of a title and a name that cannot be read": (("The Long Moor: A Life in Peat", "Haruki Murakami"), ("The Long Moor", "村上春樹"), DOUBT),
    "a whole title and another given name": (("The Long Moor", "Leo Tolstoy"), ("The Long Moor", "Lev Tolstoy"), ACCEPT),
    "a near title and another given name": (("The Long Moor", "Alexander Moor"), ("The Lnog Moor", "Alejandro Moor"), DOUBT),
    "two anonymous records": (("The Long Moor", "Anonymous"), ("The Long Moor", "Anónimo"), ACCEPT),
    "two records without any author": (("The Long Moor",), ("The Long Moor",), DOUBT),
    "an anonymous one and one with an author": (("The Long Moor", "Anonymous"), ("The Long Moor", "Ann Lee"), DOUBT),
    "a family name alone in another spelling": (("The Long Moor", "Tschechow"), ("The Long Moor", "Anton Chekhov"), DOUBT),
    "a family name alone in another script": (("The Long Moor", "Чехов"), ("The Long Moor", "Anton Chekhov"), DOUBT),
    "a family name in another spelling and the year": (("The Long Moor", "Tschechow", {"published": "2001"}), ("The Long Moor", "Anton Chekhov", {"published": "2001"}), ACCEPT),
    "another person in another script": (("The Long Moor", "Stephen King"), ("The Long Moor", "Лев Толстой"), REFUSE),
}  # fmt: skip


@pytest.mark.parametrize("rule", TITLED)
def test_a_name_in_another_spelling_needs_a_whole_title(rule, verdict):
    one, other, expected = TITLED[rule]
    assert verdict(one, other) == expected
