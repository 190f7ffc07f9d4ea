"""lab.toml is read strictly, and everything wrong with it is told at once."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.errors import BadManifest, Fault, UnreadableSubmission
from grader.domain.lab import Lab
from grader.domain.submission import check_files


def problems(text: str) -> dict[str, str]:
    """What is wrong with a manifest, by key."""
    with pytest.raises(BadManifest) as caught:
        Lab.from_toml(text, file="phase/labs/x/lab.toml")
    assert caught.value.fault is Fault.LAB_AUTHOR
    assert "phase/labs/x/lab.toml" in str(caught.value)
    return {problem.key: problem.text for problem in caught.value.problems}


def test_a_valid_manifest_gives_its_lab_with_defaults(lab: Lab) -> None:
    assert (lab.id, lab.queue, lab.isolation, lab.spec) == ("lab-01-counting", "cpu", "split", "test_lab.py")
    assert (lab.limits.test_seconds, lab.limits.memory_mib) == (10, 512)
    assert (lab.false_fail_rate, lab.stochastic_checks) == (1e-9, 1)
    assert (lab.false_pass_rate, lab.rerolls, lab.effect) == (1e-3, 100, "")
    assert dict(lab.functions) == {"count": "(items) -> int", "total": "(items) -> float"}
    assert [test.points for test in lab.tests] == [6, 4, 0]


def test_the_budget_of_a_lab_is_read(manifest: str) -> None:
    table = '[calibration]\nfalse_pass_rate = 1e-4\nrerolls = 20\neffect = "a share off by 0.2"\n[functions]'
    lab = Lab.from_toml(manifest.replace("[functions]", table), file="lab.toml")
    assert (lab.false_pass_rate, lab.rerolls, lab.effect) == (1e-4, 20, "a share off by 0.2")
    assert (lab.false_fail_rate, lab.stochastic_checks) == (1e-9, 1)


def test_a_lab_does_not_change(lab: Lab) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        lab.id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        lab.functions["count"] = ""  # type: ignore[index]


def test_a_parametrised_case_belongs_to_its_test(lab: Lab) -> None:
    found = lab.test("test_count[3-a[b]]")
    assert found is not None and found.name == "test_count"
    assert lab.test("test_counter") is None


def test_all_problems_are_told_together(manifest: str) -> None:
    text = manifest.replace('id = "lab-01-counting"', 'id = "Lab 1"').replace("points = 6", "points = -6")
    text = text.replace('"every item counts once"', '"""two\nlines"""')
    assert problems(text).keys() == {"id", "tests[1].points", "tests[1].claim"}


def test_an_unknown_key_is_refused_with_the_one_that_was_meant(manifest: str) -> None:
    found = problems(manifest.replace("max_score", "max_scor").replace("stage = 1", "stages = 1"))
    assert "did you mean max_score?" in found["max_scor"]
    assert "did you mean stage?" in found["tests[1].stages"]
    assert "known here are" in problems(f"[zzz]\n{manifest.replace('[functions]', '[zzz.y]')}")["zzz"]


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ('id = "lab-01-counting"', "", "id", "found nothing"),
        ("order = 1", 'order = "first"', "order", "expected a whole number from 1 to 10000, found 'first'"),
        ("order = 1", "order = true", "order", "found true"),
        ("order = 1", 'order = 1\nqueue = "tpu"', "queue", '"cpu" or "gpu"'),
        ("order = 1", 'order = 1\nspec = "../test.py"', "spec", "relative path"),
        ("max_score = 10", "max_score = 11", "max_score", "expected 10, the sum"),
        ('["starter.py"]', "[]", "submission", "a list of the files"),
        ('["starter.py"]', '["../starter.py"]', "submission", "no .."),
        ('["starter.py"]', '["/etc/passwd"]', "submission", "relative path"),
        ('["starter.py"]', '["a.py", "A.py"]', "submission", "each file once"),
        ('["starter.py"]', '["test_lab.py"]', "submission", "the student's own"),
        ('["starter.py"]', '["sub/conftest.py"]', "submission", "the student's own"),
        ('name = "test_total"', 'name = "test_count"', "tests[2].name", "tests[1] has it too"),
        ('name = "test_total"', 'name = "test total"', "tests[2].name", "found 'test total'"),
        ('function = "total"', 'function = "sum"', "tests[2].function", "one of [functions] (count, total)"),
        ("points = 0", "points = 1", "tests[3].points", "a stretch test never counts"),
        ("stage = 2", "stage = 0", "tests[2].stage", "from 1 to 100"),
        ('"(items) -> int"', '""', "functions.count", "a signature"),
        ("[functions]", "[limits]\nmemory_mib = 0\n[functions]", "limits.memory_mib", "found 0"),
        ("[functions]", "[limits]\ntest_seconds = inf\n[functions]", "limits.test_seconds", "found inf"),
        ("[functions]", "[limits]\ntest_seconds = 200\n[functions]", "limits.test_seconds", "at most run_seconds"),
        ("[functions]", "[calibration]\nfalse_fail_rate = nan\n[functions]", "calibration.false_fail_rate", "nan"),
        ("[functions]", "[calibration]\nfalse_pass_rate = 0\n[functions]", "calibration.false_pass_rate", "above 0"),
        ("[functions]", "[calibration]\nrerolls = 0\n[functions]", "calibration.rerolls", "from 1 to 1000000"),
        ("[functions]", '[calibration]\neffect = ""\n[functions]', "calibration.effect", "one line of text"),
        ("[functions]", "[calibration]\nfalse_pas_rate = 1\n[functions]", "calibration.false_pas_rate", "did you mean"),
        ("order = 1", 'order = 1\nhistory = ["notes.txt"]', "history", "expected some of starter.py"),
        ("order = 1", 'order = 1\noptional = ["starter.py"]', "optional", "some of no file at all"),
        ("order = 1", 'order = 1\nmeasured = "yes"', "measured", "true or false"),
        ("order = 1", f"order = 0x{'f' * 9000}", "order", "a number of about 10838 digits"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_what_was_expected(manifest: str, old: str, new: str, key: str, says: str) -> None:
    assert old in manifest
    assert says in problems(manifest.replace(old, new, 1))[key]


def test_a_lab_without_tests_is_refused(manifest: str) -> None:
    assert problems(manifest.partition("[[tests]]")[0])["tests"] == "expected at least one [[tests]], found nothing"


def test_only_a_joined_lab_may_leave_out_its_functions(manifest: str) -> None:
    head, _, rest = manifest.partition("[functions]")
    bare = "\n".join(line for line in (head + rest).splitlines() if "-> " not in line and "function =" not in line)
    assert "joined" in problems(bare)["functions"]
    joined = Lab.from_toml(bare.replace("order = 1", 'order = 1\nisolation = "joined"'), file="lab.toml")
    assert joined.isolation == "joined" and not joined.functions


@pytest.mark.parametrize("text", ["id = ", "a = " + "[" * 100_000, "x = " + "1" * 5000])
def test_what_is_not_toml_is_a_bad_manifest(text: str) -> None:
    assert "not TOML" in problems(text)[""]


_KEYS = st.sampled_from(["id", "title", "order", "submission", "limits", "tests", "functions", "max_score", "zz"])
_VALUES = st.sampled_from(["1", "-1", '"x"', "[]", "[1]", "{}", "[{}]", "[[]]", "1979-05-27", "nan", "true", "{a = 1}"])


@given(st.dictionaries(_KEYS, _VALUES))
def test_whatever_a_manifest_holds_only_a_bad_manifest_is_raised(data: dict[str, str]) -> None:
    assert problems("\n".join(f"{key} = {value}" for key, value in data.items()))


def test_where_nothing_is_measured_those_tests_are_gone_and_the_others_share_all_points(manifest: str) -> None:
    text = manifest.replace("points = 4", "points = 4\nmeasured = true")
    assert {t.name: t.points for t in Lab.from_toml(text, file="").tests} == {"test_count": 10, "test_large": 0}
    measured = Lab.from_toml(f"measured = true\n{text}", file="")
    assert {t.name: t.points for t in measured.tests} == {"test_count": 6, "test_total": 4, "test_large": 0}
    assert measured.max_score == 10


def test_only_an_optional_file_may_be_missing(manifest: str) -> None:
    files = 'submission = ["starter.py", "notes.txt"]'
    both = Lab.from_toml(manifest.replace('submission = ["starter.py"]', files), file="")
    one = Lab.from_toml(manifest.replace('submission = ["starter.py"]', f'{files}\noptional = ["notes.txt"]'), file="")
    check_files({"starter.py": b"x = 1"}, one)
    with pytest.raises(UnreadableSubmission, match=r"there is no notes\.txt"):
        check_files({"starter.py": b"x = 1"}, both)
    with pytest.raises(UnreadableSubmission, match=r"notes\.txt is empty"):
        check_files({"starter.py": b"x = 1", "notes.txt": b""}, one)
