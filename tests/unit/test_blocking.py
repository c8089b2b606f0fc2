"""The keys by which a work is found again among a million."""

import pytest

from alexandria.catalogue.matching.blocking import blocks

SHARED = {
    "article and inverted name": (("The Da Vinci Code", "Dan Brown"), ("Da Vinci Code", "Brown, Dan")),
    "number word, swapped letters and a second author": (
        ("Two Graves", "Douglas Preston"), ("2 Grvaes", "Douglas Preston & Lincoln Child")),
    "two misspelt words": (
        ("Jonathan Strange & Mr Norrell", "Susanna Clarke"), ("Jonathon Strange and Mr. Norell", "Clarke, Susanna")),
    "names in another order": (("Red Sorghum", "Mo Yan"), ("Red Sorghum", "Yan Mo")),
    "a space in the wrong place": (("and More", "Ann Lee"), ("andM ore", "Ann Lee")),
    "author in another script": (("War and Peace", "Leo Tolstoy"), ("War and Peace", "Лев Толстой")),
    "accents": (("Cien años de soledad", "Gabriel García Márquez"), ("Cien anos de soledad", "Gabriel Garcia Marquez")),
    "a slip at the start of the only word": (("Huntress", "Kate Quinn"), ("Hntress", "Kate Quinn")),
    "a slip at the end of the only word": (("Huntress", "Kate Quinn"), ("Huntrass", "Kate Quinn")),
    "the author's given name lost": (("The Long Walk", "Kate Quinn"), ("Long Walk Home", "Quinn")),
}  # fmt: skip


@pytest.mark.parametrize("rule", SHARED)
def test_spellings_of_one_work_share_a_key(rule):
    one, other = SHARED[rule]
    assert set(blocks(one[0], one[1:])) & set(blocks(other[0], other[1:]))


@pytest.mark.parametrize(
    ("name", "authors", "keys"),
    [
        (
            "The Grave Book",
            ["Ann Lee"],
            ["= gravebook a", "= gravebook l", "lee -ave", "lee -ook", "lee book", "lee grav"],
        ),
        ("Owl", ["Ann Lee"], ["= owl a", "= owl l", "lee owl"]),
        ("Up", ["Ann Lee"], ["= up a", "= up l", "lee up"]),
        ("Up Owls", ["Ann Lee"], ["= upowls a", "= upowls l", "lee -wls", "lee owls"]),
        ("Up 7", ["Ann Lee"], ["= up7 a", "= up7 l", "lee 7"]),
        ("Owls from the Sea", ["Lee"], ["= owlsfromthesea l", "lee -wls", "lee owls", "lee sea"]),
        ("Owl", [], ["= owl "]),
        ("Owl", ["Ann Lee", "Bob Moe"], ["= owl a", "= owl b", "= owl l", "= owl m", "lee owl", "moe owl"]),
        ("Сова", ["Лев Ли"], ["= sova l", "li -ova", "li sova"]),
        ("!", ["Lee"], ["=  l"]),
    ],
)
def test_the_keys_of_a_work(name, authors, keys):
    """Its title with each initial, and each family name with the start and the end of each word that is not small."""
    assert blocks(name, authors) == keys


def test_works_that_share_only_small_words_or_only_the_author_share_none():
    assert not set(blocks("The Winds of Winter", ["George Martin"])) & set(
        blocks("The Clash of Kings", ["George Martin"])
    )
    assert not set(blocks("The Clash", ["A. Lee"])) & set(blocks("The Clash", ["B. Cole"]))


def test_small_words_make_no_keys():
    small = [
        "in", "the", "of", "and", "a", "an", "to", "for", "on", "with", "by", "at", "from", "der", "die", "das", "le", "la",
        "les", "de", "el", "un", "une", "und", "et",
    ]  # fmt: skip
    keys = {key for key in blocks("Owls Sea", ["Lee"]) if not key.startswith("=")}
    counted = [word for word in small if {*blocks(f"Owls {word} Sea", ["Lee"])[1:]} != keys]
    assert counted == []


@pytest.mark.parametrize("title", ["", "...", "???", "S", "1Q84", "罪と罰", "Ω"])
def test_no_title_is_without_a_key_or_breaks(title):
    assert all(blocks(title, ["Somebody Else"]))
