"""`grader demo`: the main job end to end on one machine: a course, three students, real submissions, live verdicts."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from grader.adapters import logs
from grader.bootstrap.grading import App
from grader.bootstrap.service import FIRST_PERSON
from grader.bootstrap.site import Site
from grader.client import packing, session
from grader.client.remote import PATIENT, Remote
from grader.commands import console, following, render, serving
from grader.commands.seen import Seen, row
from grader.domain.people import Role
from grader.settings import Settings
from grader.steps import courses
from grader.steps.courses import Enrolment


@dataclass(frozen=True)
class Student:
    """Somebody invented, and which of the lab's files they hand in."""

    login: str
    name: str
    does: str
    file: str


STUDENTS = (
    Student("ada", "Ada", "has solved it", "solution.py"),
    Student("ben", "Ben", "is half right", "examples/half_right.py"),
    Student("cleo", "Cleo", "has not begun", "starter.py"),
)


def command(
    home: Annotated[Path | None, typer.Option(help="Keep the data here; by default it is gone at the end")] = None,
    leave: Annotated[bool, typer.Option("--exit", help="End after grading; also where no terminal is")] = False,
) -> None:
    """Start a service of its own, grade what three students hand in, and stay up to be looked at until Ctrl-C."""
    logs.configure("ERROR")
    with _folder(home) as folder, serving.listen("127.0.0.1", 0) as listening, ExitStack() as clients:
        settings = _settings(folder, listening.getsockname()[1])
        site = Site(settings, with_worker=True)
        site.open_course()
        course = site.service.store.courses.courses()[0].id
        link = site.first_link() or site.login_url(courses.login_link(site.service, FIRST_PERSON))
        rows = [Enrolment(one.login, one.name, "", Role.STUDENT) for one in STUDENTS]
        courses.enrol(site.service, course, rows)
        with serving.served(site, listening):
            console.out.print(Text(f"grader is up: {settings.public_url}, with a worker in the same process\n"))
            remotes = {one: clients.enter_context(_log_in(site, settings, one)) for one in STUDENTS}
            _grade(remotes, course, settings)
            console.out.print(Text(f"The pages: {settings.public_url}   Log in as (each link works once)"))
            for one in STUDENTS:
                _tell_link(one.name, site.login_url(courses.login_link(site.service, one.login)))
            _tell_link("the instructor", link)
            if leave or not sys.stdin.isatty():
                return
            console.out.print("\nIt stays up until Ctrl-C. Yours: edit a starter.py under labs/ and upload it there.")
            serving.wait_for_signal(lambda: console.out.print("Ending."))


@contextmanager
def _folder(home: Path | None) -> Iterator[Path]:
    if home is not None:
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="grader-demo-") as folder:
        yield Path(folder)


def _settings(home: Path, port: int) -> Settings:
    """One process on this machine, whatever the environment says."""
    alone = {"database": None, "broker": "memory://", "key": None, "worker_token": None, "queues": "cpu,gpu"}
    return Settings(home=home, host="127.0.0.1", port=port, url=f"http://127.0.0.1:{port}", **alone)


def _log_in(site: Site, settings: Settings, student: Student) -> Remote:
    with Remote(settings.public_url) as stranger:
        token = stranger.exchange(courses.login_link(site.service, student.login), "grader demo")
    return Remote(settings.public_url, token)


def _grade(remotes: dict[Student, Remote], course: str, settings: Settings) -> None:
    """Everybody hands everything in; then each is followed to its score."""
    shelf = App(settings).shelf
    labs = session.labs_of(remotes[STUDENTS[0]], course)
    handed: dict[tuple[Student, str], Seen] = {}
    for lab in labs:
        folder = settings.course / shelf.find(lab.id).path
        for student, remote in remotes.items():
            packed = _packed(lab, folder, student)
            answer = remote.submit(course, lab.id, packed.name, packed.data, lambda: None)
            handed[student, lab.id] = Seen.read(answer, remote.server)
    for lab in labs:
        console.out.print(Text(lab.title, style="bold"))
        for student, remote in remotes.items():
            handed[student, lab.id] = _followed(student, remote, handed[student, lab.id])
        _story(lab.title, [handed[student, lab.id] for student in STUDENTS])
    console.out.print(_table(labs, handed))


def _packed(lab: session.ChosenLab, folder: Path, student: Student) -> packing.Packed:
    """What a student hands in: their program and, once they have begun, the lab's example of each other file."""
    first, *others = lab.submission
    beside = folder if student.file == first else folder / "examples"
    files = {first: folder / student.file} | {name: beside / name for name in others}
    with tempfile.TemporaryDirectory(prefix="grader-demo-") as place:
        for name, file in files.items():
            if file.is_file():
                (Path(place) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, Path(place) / name)
        return packing.pack(lab, place)


def _followed(student: Student, remote: Remote, found: Seen) -> Seen:
    """One line that grows by a mark per test."""
    say = console.out.print
    say(Text(f"  {student.name:<5}{student.does:<15}"), end="")
    for told in remote.follow(found.id):
        if told.kind == "test":
            mark, colour = render.MARKS[row(told.data).verdict]
            say(Text(mark, style=colour), end="")
        elif told.kind == "requeued":
            say(Text("↻", style="yellow"), end="")
    found = Seen.read(remote.submission(found.id, PATIENT), remote.server)
    say(Text(f"  {_score(found)}, {found.duration_s:.1f} s"))
    return found


def _score(found: Seen) -> str:
    return " ".join(following.unscored(found)) if found.points is None else f"{found.points} of {found.max_points}"


def _story(title: str, seen: list[Seen]) -> None:
    """The first thing that the half-right one reads."""
    for found in seen:
        if found.findings and found.points:
            console.out.print(Text(f"  The first thing that {found.name} reads:", style="dim"))
            console.out.print(Text(render.indented(found.findings[0].message)), soft_wrap=True)
            break
    console.out.print()


def _table(labs: list[session.ChosenLab], handed: dict[tuple[Student, str], Seen]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("points")
    for student in STUDENTS:
        table.add_column(student.name, justify="right")
    for lab in labs:
        scores = [handed[student, lab.id] for student in STUDENTS]
        table.add_row(Text(lab.id), *(Text("–" if one.points is None else str(one.points)) for one in scores))
    return table


def _tell_link(name: str, url: str) -> None:
    console.out.print(Text(f"  {name:<16}{url}"), soft_wrap=True)
