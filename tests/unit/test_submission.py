"""A submission is its bytes; what it is seeded from is its program."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.errors import Fault, UnreadableSubmission
from grader.domain.lab import Lab
from grader.domain.submission import MAX_FILE_BYTES, Submission, check_files, derive_seed

CODE = "def f(x):\n    if x:\n        return 'a # b'\n    return [1,\n            2]\n"


def normalised(text: str, name: str = "starter.py") -> str:
    """The normalised digest of one file."""
    return Submission({name: text.encode()}).normalised_digest


def test_a_submission_keeps_a_copy_that_cannot_change() -> None:
    files = {"a.py": b"1"}
    submission = Submission(files)
    files["a.py"] = b"2"
    assert submission.files["a.py"] == b"1"
    with pytest.raises(TypeError):
        submission.files["a.py"] = b"3"  # type: ignore[index]


def test_the_digest_is_of_contents_whatever_their_order() -> None:
    one, two = Submission({"a": b"1", "b": b"2"}), Submission({"b": b"2", "a": b"1"})
    assert one.digest == two.digest and one == two and hash(one) == hash(two)


@given(*[st.dictionaries(st.text(max_size=3), st.binary(max_size=3), max_size=3)] * 2)
def test_different_files_have_different_digests(a: dict[str, bytes], b: dict[str, bytes]) -> None:
    assert (Submission(a).digest == Submission(b).digest) == (a == b)


@pytest.mark.parametrize(
    "same",
    [
        CODE.replace("if x:", "if x:  # truthy"),
        f"# by me\n\n{CODE}\n\n# end",
        CODE.replace("\n", "   \n"),
        CODE.replace("    ", "  "),
        CODE.replace("    ", "\t"),
        CODE.replace("\n", "\r\n"),
        CODE.replace("return [1", "return   [ 1"),
        CODE.rstrip(),
        f"\ufeff{CODE}",
        CODE.replace("def", "# form\x0cfeed \x85 and \u2028 others\ndef"),
    ],
)
def test_layout_and_comments_do_not_change_the_normalised_digest(same: str) -> None:
    assert normalised(same) == normalised(CODE)


@pytest.mark.parametrize(
    "other",
    [
        CODE.replace("a # b", "a # c"),
        CODE.replace("    return [1,", "        return [1,"),
        CODE.replace("f(x)", "g(x)"),
        CODE.replace("1,", "12,"),
    ],
)
def test_a_changed_program_changes_the_normalised_digest(other: str) -> None:
    assert normalised(other) != normalised(CODE)


@pytest.mark.parametrize("text", ["def f(:\n  '''", "  x\n y", "x = (", "x" * 5_000, "x = 1\n" * 50_000])
def test_what_has_no_tokens_or_too_many_counts_byte_by_byte(text: str) -> None:
    assert normalised(text) != normalised(f"{text} # comment")


@pytest.mark.parametrize("text", [("x" + " " * 4_000 + "$\n") * 60, "a+" * 130_000, "(" * 260_000, "f'{" * 80_000])
def test_hostile_text_is_normalised_in_linear_time(text: str) -> None:
    assert normalised(text) == normalised(text)


def test_other_files_count_byte_by_byte() -> None:
    assert normalised("a # b", "notes.txt") != normalised("a", "notes.txt")


@given(st.binary(max_size=200))
def test_any_bytes_have_a_normalised_digest(data: bytes) -> None:
    assert len(Submission({"starter.py": data}).normalised_digest) == 64


_COMMENTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)


@given(st.text("abc(): \n\t'\"#\\1", max_size=60), _COMMENTS)
def test_a_comment_line_at_the_end_never_counts_in_code_with_tokens(code: str, comment: str) -> None:
    text = f"{code}\nend = 0\n"
    try:
        compile(text, "starter.py", "exec")
    except (SyntaxError, ValueError):
        return
    assert normalised(f"{text}# {comment}") == normalised(text)


def test_the_seed_depends_on_secret_program_and_spec_only() -> None:
    submission = Submission({"starter.py": CODE.encode()})
    seed = derive_seed(b"secret", submission, "spec")
    assert seed == derive_seed(b"secret", Submission({"starter.py": f"{CODE}# x".encode()}), "spec")
    assert 0 <= seed < 2**63
    others = [
        derive_seed(b"other", submission, "spec"),
        derive_seed(b"secret", submission, "other"),
        derive_seed(b"secret", Submission({"starter.py": b"x = 1"}), "spec"),
    ]
    assert seed not in others and len(set(others)) == 3


def test_an_empty_secret_derives_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        derive_seed(b"", Submission({}), "spec")


@pytest.mark.parametrize("data", [b"x = 1", b"\xef\xbb\xbfx = 1\r\n", "é = 'ω'".encode(), b"#" * MAX_FILE_BYTES])
def test_a_text_file_is_accepted(data: bytes, lab: Lab) -> None:
    check_files({"starter.py": data}, lab)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "there is no starter.py"),
        ({"a.py": b"", "b.py": b""}, "I found a.py and b.py, but this lab is graded from starter.py"),
        ({f"{c}.py": b"" for c in "abcdefg"}, "a.py, b.py, c.py, d.py, e.py and 2 more"),
        ({"\x1b[31mred.py": b""}, "I found red.py"),
        ({"starter.py": b" \n"}, "starter.py is empty"),
        ({"starter.py": b"#" * (MAX_FILE_BYTES + 1)}, "larger than 1 MB"),
        ({"starter.py": b"\xff\xfex\0"}, "saved as UTF-16"),
        ({"starter.py": b"\x7fELF\0"}, "is not a text file: byte 5 is NUL"),
        ({"starter.py": b"x = 1\n# caf\xe9"}, "not a text file in UTF-8: line 2 has a byte 0xe9"),
    ],
)
def test_a_refusal_is_one_sentence_for_a_student(files: dict[str, bytes], says: str, lab: Lab) -> None:
    with pytest.raises(UnreadableSubmission) as caught:
        check_files(files, lab)
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.advice and caught.value.fault is Fault.STUDENT and not caught.value.retried
