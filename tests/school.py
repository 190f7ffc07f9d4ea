"""A grader with a course of two toy labs, its students, and the git repositories that it keeps for them."""

import csv
from pathlib import Path
from typing import Any

from grader.client.remote import Remote
from tests.courses.copies import LAB, toy_course
from tests.git_client import Author, Clone
from tests.programs import Grader
from tests.services import wait_until

COURSE = "basics"


class School:
    """A running grader with its course, and students with tokens."""

    def __init__(self, folder: Path, logins: list[str], **settings: str) -> None:
        self.folder = folder
        course = toy_course(folder / "course", 2)
        for name in ("mutants.py", "INSTRUCTOR.md", "examples/mine.py", ".hidden"):
            file = course / LAB / name
            file.parent.mkdir(exist_ok=True)
            file.write_text("# an answer\n", encoding="utf-8")
        ours = {"GRADER_LABS": str(course), "GRADER_SLOTS": "2", "GRADER_SANDBOX": "bubblewrap"}
        self.grader = Grader(folder, {**ours, **settings})
        self.grader.start()
        self.tokens = self.grader.enrol(COURSE, logins)

    def add_staff(self, login: str, role: str) -> None:
        """Somebody who teaches."""
        roster, links = self.folder / f"{login}.csv", self.folder / f"{login}-link.csv"
        roster.write_text(f"login,name,role\n{login},{login},{role}\n", encoding="utf-8")
        self.grader.command("course", "import-roster", COURSE, str(roster), "--links", str(links))
        with links.open(encoding="utf-8") as file:
            self.tokens[login] = self.grader.token(next(csv.DictReader(file))["link"])

    def clone(self, login: str) -> Clone:
        """A student's working copy."""
        return Clone(self.folder / "work" / login, self.url(login), self.tokens[login]).cloned()

    def url(self, login: str) -> str:
        """Where their repository is."""
        return f"{self.grader.url}/git/{COURSE}/{login}.git"

    def bare(self, login: str) -> Author:
        """The server's own copy."""
        return Author(self.folder / "home" / "repositories" / COURSE / f"{login}.git")

    def handed_in(self, login: str) -> list[dict[str, Any]]:
        """A student's submissions, newest first."""
        with Remote(self.grader.url, self.tokens[login]) as remote:
            found: list[dict[str, Any]] = remote.submissions(COURSE, limit=50)
            return found

    def points(self, login: str, count: int = 1) -> list[int]:
        """What a student's submissions got, newest first, once all have ended."""

        def ended() -> bool:
            jobs = [one["job"] for one in self.handed_in(login)]
            return len(jobs) == count and all(job["finished_at"] for job in jobs)

        wait_until(ended, f"{login} has no {count} outcomes: {self.grader.said()}", 90)
        return [one["job"]["points"] for one in self.handed_in(login)]

    def errors(self) -> list[str]:
        """What the service called an error of its own."""
        lines = self.grader.log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if '"level": "error"' in line or "Traceback" in line]
