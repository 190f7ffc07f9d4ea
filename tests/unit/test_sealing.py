"""What a student predicts: whatever the file holds it is read or explained, sealed once, revised once, and closed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labkit.quantities import Bracket, Choice, Interval
from labkit.sealing import Form, PostMortem, Predictions, Seal, Version, seal
from labkit.tables import BadFile, parsed

FORM = Form(
    (
        Interval("speedup", "times", "how many times as fast", 0.05, 20),
        Choice("best_k", "drafts", "the fastest k", (1, 3, 5)),
        Bracket("crossing", "requests", "where it stops winning", (1, 8, 32)),
    ),
    assumptions={"speedup": ("rates", "v"), "crossing": ("s",)},
)
WHY = 'reason = "because of the weights"'
SPEEDUP = f"[speedup]\nvalue = 2.0\nlo = 1.8\nhi = 2.2\n{WHY}\n"
BEST_K = f"[best_k]\nvalue = 3\n{WHY}\n"
CROSSING = f"[crossing]\nlo = 8\nhi = 32\n{WHY}\n"
GOOD = SPEEDUP + BEST_K + CROSSING
FINAL = f"final = true\n{GOOD}"
CHANGED = GOOD.replace("2.0", "2.1")
EXPLAINED = f'{GOOD}[post_mortem.speedup]\nassumption = "v"\nnumber = 1.09\n'


def problems(text: str) -> list[str]:
    """The sentences about a file that cannot be read."""
    with pytest.raises(BadFile) as caught:
        FORM.read(text)
    return list(caught.value.problems)


def handed_in(*texts: str) -> list[Version]:
    return [Version(f"2026-11-25T10:0{number}:00+00:00", text) for number, text in enumerate(texts)]


def at(number: int) -> str:
    return f"2026-11-25T10:0{number}:00+00:00"


# --- reading


def test_a_good_file_is_read() -> None:
    read = FORM.read("\ufeff" + EXPLAINED.replace("lo = 8", "lo = 32").replace("hi = 32", "hi = inf"))
    assert (read.of["speedup"].lo, read.of["speedup"].value, read.of["speedup"].hi) == (1.8, 2.0, 2.2)
    assert (read.of["best_k"].value, read.of["crossing"].value) == (3, None)
    assert (read.of["crossing"].lo, read.of["crossing"].hi) == (32, math.inf)
    assert read.post_mortems == {"speedup": PostMortem("v", 1.09)}
    assert not read.final and FORM.read(FINAL).final


def test_a_reason_is_one_line_whatever_it_held() -> None:
    read = FORM.read(GOOD.replace("because of the weights", r"because\n\u202e of   the\tweights"))
    assert read.of["speedup"].reason == "because of the weights"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[speedup]", "[speedup", "this is not TOML"),
        ("[speedup]", "[speed_up]", "[speedup] is missing"),
        ("[speedup]", "[speed_up]", 'nobody asked for "speed_up"; did you mean speedup?'),
        ("value = 2.0", "", "[speedup] value must be a number from 0.05 to 20, found nothing"),
        ("value = 2.0", 'value = "2.0"', 'found the text "2.0"'),
        ("value = 2.0", "value = true", "found true"),
        ("value = 2.0", "value = nan", "found nan"),
        ("value = 2.0", "value = -inf", "found -inf"),
        ("value = 2.0", f"value = 0x{'f' * 300}", "value must be a number"),
        ("value = 2.0", f"value = {'9' * 300}", "value must be a number"),
        ("value = 2.0", "value = 1e999", "found inf"),
        ("value = 2.0", "value = [[[2.0]]]", "found a list"),
        ("value = 2.0", "value = { a = 2.0 }", "found a table"),
        ("value = 2.0", "value = 2026-11-25", "found a date or a time"),
        ("lo = 1.8", "lo = 2.1", "lo, value and hi must rise: 2.1, 2, 2.2 do not"),
        ("lo = 1.8", "lo = 0", "lo must be a number from 0.05"),
        ("value = 3", "value = 4", "[best_k] value must be one of 1, 3, 5, found 4"),
        ("value = 3", "value = true", "[best_k] value must be one of 1, 3, 5, found true"),
        ("lo = 8", "lo = 1", "[crossing] lo and hi must be neighbours: 0 and 1, 1 and 8, 8 and 32, 32 and inf"),
        ("lo = 8", "low = 8", 'nobody asked for "low"; did you mean'),
        (
            '"because of the weights"',
            '"so"',
            "reason must say in one line why: 12 to 300 characters, found 2 characters",
        ),
        ('"because of the weights"', "7", "reason must say in one line why: 12 to 300 characters, found 7"),
        ("[speedup]", 'final = "yes"\n[speedup]', 'final must be true or false, found the text "yes"'),
        ("[speedup]", "speedup = 3\n[other]", "speedup must be a table"),
        ("[speedup]", "post_mortem = 3\n[speedup]", "post_mortem must be tables"),
        ("[speedup]", "[post_mortem]\nbest_k = 1\n[speedup]", '[post_mortem] nobody asked for "best_k"'),
        ("[speedup]", "[post_mortem]\nspeedup = 1\n[speedup]", "post_mortem.speedup must be a table"),
        ("[speedup]", '[post_mortem.crossing]\nassumption = "v"\nnumber = 1\n[speedup]', "must be one of s"),
        ("[speedup]", '[post_mortem.speedup]\nassumption = "v"\n[speedup]', "number must be a number"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(old: str, new: str, says: str) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    assert says in "\n".join(problems(text))


def test_everything_is_told_at_once_but_not_without_end() -> None:
    assert len(problems("")) == 3
    assert problems("\n".join(f"k{number} = 1" for number in range(40)))[-1] == "… and more"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a" * 20_000, "the file is too long"),
        (f"# {'x' * 400}", "line 1 is too long"),
        (f"a = {'[' * 390}\n{'[' * 390}\n{'[' * 390}", "nests too deeply"),
        ("\n".join(["a = ["] * 2_000), "this is not TOML"),
        ("\n".join(f"{'.'.join('a' * 190)}{number} = 1" for number in range(30)), "missing"),
        ("\x00", "this is not TOML"),
        ("\ud800", "this is not TOML"),
    ],
    ids=["long", "long line", "deep", "open", "dotted", "nul", "surrogate"],
)
def test_a_hostile_file_is_told_too(text: str, says: str) -> None:
    assert says in "\n".join(problems(text))


@given(st.text(alphabet=st.sampled_from("[]{}=.\"'#\n ,0123456789eEx_+-infatruel\\u") | st.characters(), max_size=300))
def test_any_text_at_all_is_read_or_told(text: str) -> None:
    for whole in (text, GOOD + text, GOOD.replace("2.0", text, 1)):
        try:
            assert isinstance(FORM.read(whole), Predictions)
        except BadFile as bad:
            assert all(isinstance(sentence, str) and len(sentence) < 500 for sentence in bad.problems)


def test_a_file_in_another_line_ending_is_the_same() -> None:
    assert parsed(GOOD.replace("\n", "\r\n")) == parsed(GOOD)


# --- sealing


def test_nothing_is_sealed_before_a_version_can_be_read() -> None:
    assert seal([], FORM) is None
    assert seal(handed_in("", "nonsense"), FORM) is None


def test_the_first_version_that_can_be_read_is_sealed() -> None:
    sealed = seal(handed_in("nonsense", GOOD), FORM)
    assert sealed == Seal(at(1), FORM.read(GOOD).of)


def test_one_change_is_the_revision_and_the_next_changes_nothing() -> None:
    sealed = seal(handed_in(GOOD, CHANGED, GOOD.replace("2.0", "1.9")), FORM)
    assert sealed == Seal(at(0), FORM.read(CHANGED).of, at(1), frozenset({"speedup"}), None, (at(2),))


def test_what_is_no_number_is_no_revision() -> None:
    other = GOOD.replace("because of the weights", "because of something else")
    assert seal(handed_in(GOOD, f"# a remark\n{GOOD}", other, EXPLAINED), FORM) == Seal(at(0), FORM.read(GOOD).of)


def test_final_closes_and_what_comes_later_changes_nothing() -> None:
    sealed = seal(handed_in(GOOD, FINAL, CHANGED, f"final = true\n{CHANGED}"), FORM)
    assert sealed == Seal(at(0), FORM.read(GOOD).of, closed_at=at(1), ignored_at=(at(2), at(3)))


def test_a_version_may_revise_and_close_at_once() -> None:
    sealed = seal(handed_in(GOOD, f"final = true\n{CHANGED}"), FORM)
    assert sealed == Seal(at(0), FORM.read(CHANGED).of, at(1), frozenset({"speedup"}), at(1))


def test_the_third_numbers_close_without_counting() -> None:
    sealed = seal(handed_in(GOOD, CHANGED, FINAL), FORM)
    assert sealed == Seal(at(0), FORM.read(CHANGED).of, at(1), frozenset({"speedup"}), at(2), (at(2),))


def test_a_version_that_cannot_be_read_changes_nothing() -> None:
    assert seal(handed_in(GOOD, "final = true", FINAL), FORM) == Seal(at(0), FORM.read(GOOD).of, closed_at=at(2))


def test_the_first_may_be_final_already() -> None:
    assert seal(handed_in(FINAL), FORM) == Seal(at(0), FORM.read(GOOD).of, closed_at=at(0))
