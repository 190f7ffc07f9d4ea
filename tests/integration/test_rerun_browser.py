"""A wrong spec is mended in front of a real browser: find who is stuck, grade them again, look, apply, revert."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.client.remote import Remote
from tests.browser import Browser
from tests.courses.copies import LAB, answer
from tests.school import COURSE, School

pytestmark = [pytest.mark.bubblewrap, pytest.mark.chromium]
#: The sum of all items and one more: what a tired instructor may write.
WRONG, RIGHT = ".close(sum(items) + 1)", ".close(sum(items))"
ONE_MORE = b"def double(x): return 2.0 * x\ndef total(items): return float(sum(items)) + 1\n"
HANDED = {"amy": answer(10, "amy"), "bob": answer(10, "bob"), "cat": ONE_MORE, "dan": answer(6, "dan")}


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    """A course whose spec is wrong in one test, with four students who have handed in, and who teaches it."""
    one = School(tmp_path, list(HANDED))
    write_spec(one, RIGHT, WRONG)
    one.add_staff("ines", "instructor")
    for login, data in HANDED.items():
        with Remote(one.grader.url, one.tokens[login]) as remote:
            remote.submit(COURSE, "toy-1", "starter.py", data, lambda: None)
        assert one.points(login) == [10 if login == "cat" else 6]
    yield one
    assert one.grader.stop() == 0


def write_spec(school: School, old: str, new: str) -> None:
    """Change the lab's spec, as an instructor does on the server."""
    spec = school.folder / "course" / LAB / "test_lab.py"
    text = spec.read_text(encoding="utf-8")
    assert old in text
    spec.write_text(text.replace(old, new), encoding="utf-8")
    assert "toy-1" in school.grader.command("course", "sync", COURSE)


class Person:
    """Somebody before a browser of their own."""

    def __init__(self, browser: Browser, school: School, login: str) -> None:
        self.browser = browser
        self.url = school.grader.url
        browser.go(f"{self.url}/login")
        browser.js(f"document.getElementById('token').value = {json.dumps(school.tokens[login])}")
        browser.js("document.querySelector('main form').requestSubmit()")
        browser.wait(lambda: browser.text("h1") == "Your courses", f"{login} is logged in")

    def go(self, path: str) -> None:
        """Open a page of the grader."""
        self.browser.go(self.url + path)

    def follow(self, words: str, sees: str) -> None:
        """Click the link or button that says so; then the page's heading is as told."""
        says = f"(one) => one.textContent.includes({json.dumps(words)})"
        chosen = f"[...document.querySelectorAll('main a, main button')].find({says})"
        assert self.browser.js(f"Boolean({chosen})"), f"there is no {words!r}: {self.browser.text('main')}"
        self.browser.js(f"{chosen}.click()")
        self.browser.wait(lambda: sees in self.browser.text("h1"), f"{words!r} leads to {sees!r}")

    def reads(self, words: str) -> bool:
        """Whether the page says so."""
        return words in " ".join(self.browser.text("main").split())

    def waits_for(self, words: str) -> None:
        """Until the page says so."""
        self.browser.wait(lambda: self.reads(words), f"the page says {words!r}, not {self.browser.text('main')}")


def test_who_is_stuck_on_a_wrong_test_gets_what_they_earned_and_it_can_be_undone(school: School) -> None:
    with Browser() as instructors, Browser() as students:
        ines, amy = Person(instructors, school, "ines"), Person(students, school, "amy")
        ines.go(f"/c/{COURSE}/labs/toy-1/insight")
        ines.waits_for("1 of 4")  # passed test_total
        write_spec(school, WRONG, RIGHT)
        ines.follow("Rerun who has not passed test_total", "New rerun")
        assert ines.reads("This selects 3 submissions") and ines.reads("has not passed: amy, bob, dan")
        instructors.js("document.getElementById('note').value = 'test_total asked for one too many'")
        ines.follow("Grade 3 submissions again", "Rerun of toy-1")
        ines.waits_for("What applying it would do")
        assert ines.reads("↑ 2 up") and ines.reads("↓ 0 down") and ines.reads("= 1 unchanged")
        assert "2 up, 0 down, 1 unchanged" in str(instructors.js("document.querySelector('svg.picture').ariaLabel"))
        amy.go(f"/c/{COURSE}")
        assert not amy.reads("graded again") and amy.reads("6 of 10")

        ines.follow("Apply …", "Apply this rerun?")
        ines.follow("Apply", "Rerun of toy-1")
        assert ines.reads("What it did")
        amy.go(f"/c/{COURSE}")
        assert amy.reads("graded again") and amy.reads("6 → 10") and amy.reads("10 of 10")
        amy.follow("See why", "A lab that is graded in no time")
        assert amy.reads("10 of 10 points") and amy.reads("Why: test_total asked for one too many")
        amy.follow("I have read it", "Your courses")
        assert not amy.reads("graded again")

        ines.follow("Revert …", "Revert this rerun?")
        ines.follow("Revert", "Rerun of toy-1")
        assert ines.reads("was undone")
        amy.go(f"/c/{COURSE}")
        assert amy.reads("10 → 6") and amy.reads("6 of 10")
        assert instructors.complaints == [] and students.complaints == []
