"""What changed between two texts."""

from hypothesis import given
from hypothesis import strategies as st

from grader.domain import difference
from grader.domain.difference import compare

LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=14)


def longest(old: list[str], new: list[str]) -> int:
    """The length of the longest common subsequence, by the textbook."""
    rows = [[0] * (len(new) + 1)]
    for a in old:
        row = [0]
        for j, b in enumerate(new):
            row.append(rows[-1][j] + 1 if a == b else max(rows[-1][j + 1], row[j]))
        rows.append(row)
    return rows[-1][-1]


@given(LINES, LINES)
def test_the_script_makes_the_new_text_of_the_old_one_and_is_the_shortest(old: list[str], new: list[str]) -> None:
    found = list(difference._script(old, new))
    assert [line.text for line in found if line.kind != "added"] == old
    assert [line.text for line in found if line.kind != "removed"] == new
    assert [line.old for line in found if line.old] == list(range(1, len(old) + 1))
    assert [line.new for line in found if line.new] == list(range(1, len(new) + 1))
    assert sum(line.kind == "same" for line in found) == longest(old, new)


def test_only_what_is_near_a_change_is_shown() -> None:
    old = [f"line {i}" for i in range(1, 41)]
    new = [*old[:9], "ten", *old[10:29], *old[30:]]
    found = compare("\n".join(old), "\n".join(new))
    assert (found.added, found.removed, found.note) == (1, 2, "")
    first, second = found.hunks
    assert [line.text for line in first if line.kind != "same"] == ["line 10", "ten"]
    assert (first[0].old, first[-1].new) == (7, 13)
    assert [(line.old, line.new) for line in second if line.kind == "removed"] == [(30, None)]


def test_equal_texts_have_no_difference_and_line_ends_do_not_count() -> None:
    assert compare("a\nb\n", "a  \r\nb").hunks == ()
    assert compare("", "").hunks == ()
    assert compare("", "x").added == 1


def test_what_is_made_to_be_slow_is_given_up_and_told() -> None:
    old, new = "\n".join(map(str, range(1500))), "\n".join(map(str, range(3000, 1500, -1)))
    found = compare(old, new)
    assert "too little in common" in found.note and "more lines are not shown" in found.note
    assert sum(map(len, found.hunks)) == difference.MOST_SHOWN
    assert "not compared" in compare("x\n" * 5000, "x").note


def test_control_sequences_and_endless_lines_are_not_shown() -> None:
    ((line,),) = compare("", "\x1b[31m" + "x" * 1000).hunks
    assert "\x1b" not in line.text and "more characters" in line.text
