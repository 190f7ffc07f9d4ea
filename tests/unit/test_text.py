"""Whatever a submission prints, the one who reads it sees plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.text import clean, clean_line


@pytest.mark.parametrize(
    ("hostile", "plain"),
    [
        ("\x1b[31;1mred\x1b[0m", "red"),
        ("\x9b2Jx", "x"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1b]0;title", ""),
        ("\x1bP1$r\x1b\\x\x1b(B", "x"),
        ("a\x00b\x08c\x7fd\x85e", "abcde"),
        ("one\r\ntwo\rthree\u2028four\tfive", "one\ntwo\nthree\nfour\tfive"),
        ("\u202egnp.exe\u2066\u200b\u200d\ufeff\u061c", "gnp.exe"),
        ("x\U000e0041\U000e0042", "x"),
        ("a\ud800b", "a\ufffdb"),
        ("<b>&amp; =1+1 'ω' 👍", "<b>&amp; =1+1 'ω' 👍"),
    ],
)
def test_only_what_can_be_seen_is_left(hostile: str, plain: str) -> None:
    assert clean(hostile, 100) == plain


def test_long_text_is_cut_and_says_by_how_much() -> None:
    assert clean("x" * 1_005, 5) == "xxxxx… 1,000 more characters"
    assert clean("x" * 5, 5) == "xxxxx"


def test_a_line_is_one_line() -> None:
    assert clean_line(" a\n\tb\r\n remote: c \x1b[0m", 100) == "a b remote: c"


@given(st.text(max_size=200), st.integers(0, 50))
def test_any_text_comes_out_clean_and_short(text: str, limit: int) -> None:
    found = clean(text, limit)
    assert clean(found, len(found)) == found
    assert len(found) <= limit + len("… 200 more characters")
    found.encode("utf-8")
    assert all(character.isprintable() or character in "\n\t" or ord(character) > 0x9F for character in found)


@pytest.mark.parametrize("text", ["\x1b[" * 100_000, "\x1b]" * 100_000, "\x1b]" + "x" * 200_000, "\x1b " * 100_000])
def test_hostile_text_is_cleaned_in_linear_time(text: str) -> None:
    assert len(clean(text, 10)) < 100
