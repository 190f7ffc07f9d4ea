"""`grader course …`: set up courses. Works on the store itself, so it runs on the machine that the service runs on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from grader.bootstrap.service import FIRST_PERSON, build_repositories, build_service
from grader.commands import console, roster
from grader.domain.course_rules import FILE as RULES
from grader.domain.errors import GraderError
from grader.domain.people import CredentialKind, Role
from grader.domain.policy_lines import when
from grader.settings import Settings
from grader.steps import access, courses, extending, handing_out, rules
from grader.steps.courses import Enrolment
from grader.steps.service import Service

app = typer.Typer(
    help="Set up courses; on the machine that runs the service.", no_args_is_help=True, add_completion=False
)
_DAYS = round(access.LIFETIME_S[CredentialKind.LINK] / access.DAY_S)
ONCE = f"works once, within {_DAYS} days"
Slug = Annotated[str, typer.Argument(help="The course's short name, as in its address")]


@app.command("init")
def init(
    slug: Slug,
    title: Annotated[str, typer.Option(help="What people read")] = "",
    labs: Annotated[Path | None, typer.Option(help="The folder with its labs; by default GRADER_LABS")] = None,
    instructor: Annotated[str | None, typer.Option(help="The login of who teaches it")] = None,
) -> None:
    """Make a course, or bring it up to date. Exit code 0: done; 2: refused; 3: its labs cannot be graded from."""
    settings = Settings()
    service = build_service(settings)
    folder = (labs or settings.course).resolve()
    courses.init_course(service, slug, title or slug, str(folder))
    ids = [lab.id for lab in service.store.courses.labs(slug)]
    console.out.print(Text(f"Course {slug}: {count(len(ids), 'lab')} from {folder}"), soft_wrap=True)
    for lab in ids:
        console.out.print(Text(f"  {lab}"))
    if not ids:
        console.out.print("  a lab is a folder PHASE/labs/LAB with a lab.toml")
    _give_out(settings, service, slug)
    if instructor is not None:
        tell_link(settings, instructor, appoint(service, slug, instructor))


@app.command("sync")
def sync(slug: Slug) -> None:
    """Read the course's labs and course.toml again. Exit code 0: done; 2, 3: nothing was changed, and why."""
    settings = Settings()
    service = build_service(settings)
    changed = courses.sync_course(service, slug)
    if not changed:
        console.out.print("No lab has changed, nor have the rules.")
    for name in changed:
        told = "these rules hold from now on" if name == RULES else "graded by its new spec from now on"
        console.out.print(Text(f"{name}: {told}"))
    _give_out(settings, service, slug)


def _give_out(settings: Settings, service: Service, slug: str) -> None:
    """A course is graded, and handed in by upload, also where its files cannot be cloned."""
    try:
        if handing_out.give_out(service, build_repositories(settings), slug):
            console.out.print("Files that students cloned have changed. They take them in, beside their own work, by")
            console.out.print(f"  {handing_out.TAKE_IN}")
    except GraderError as error:
        console.err.print(Text(f"Nobody can clone this course: {error}", style="yellow"))


@app.command("link")
def link(login: Annotated[str, typer.Argument(help="Whom it is for")] = FIRST_PERSON) -> None:
    """Print a new one-time login link for somebody; what they have already stays valid."""
    settings = Settings()
    secret = courses.login_link(build_service(settings), login)
    console.err.print(Text(f"For {login}; {ONCE}:"))
    console.out.print(Text(login_url(settings, secret)), soft_wrap=True)


@app.command("extend")
def extend(
    slug: Slug,
    lab: Annotated[str, typer.Argument(help="A lab's id or the unique start of one")],
    login: Annotated[str, typer.Argument(help="Whose time it is; in a group lab the whole team's")],
    days: Annotated[float, typer.Option(min=0, help="How many days later it is due and closes")] = 0,
    hours: Annotated[float, typer.Option(min=0, help="How many hours, beside the days")] = 0,
    note: Annotated[str, typer.Option(help="Why; for the audit log")] = "",
) -> None:
    """Give somebody more time for a lab, in place of what they had; 0 takes it back. Exit code 0: done; 2: refused."""
    service = build_service(Settings())
    extra_s = days * access.DAY_S + hours * 3600
    given = extending.grant(service, extending.OPERATOR, slug, lab, login, extra_s, note)
    at = rules.situation(service, slug, given.lab, given.person_id)
    until = at.policy.due_at if at.policy.due_at is not None else at.policy.closes_at
    assert until is not None, "what is neither due nor closes is not extended"
    words = "due" if at.policy.due_at is not None else "open until"
    console.out.print(Text(f"{given.lab} is {words} {when(until, at.zone)} for {login}"), soft_wrap=True)


@app.command("team")
def team(
    slug: Slug,
    login: Annotated[str, typer.Argument(help="Who joins it")],
    name: Annotated[str, typer.Argument(metavar="TEAM", help="Any name; '' takes them out of their team")],
) -> None:
    """Put somebody into a team: what one of them hands in counts for all in labs with `groups = true`."""
    service = build_service(Settings())
    person = extending.put_team(service, extending.OPERATOR, slug, login, name)
    ids = service.store.standings.team(slug, person.id)
    mates = sorted(one.login for one in service.store.accounts.people(ids).values())
    console.out.print(Text(f"Together now: {', '.join(mates)}" if len(mates) > 1 else f"{login} is alone now"))


@app.command("import-roster")
def import_roster(
    slug: Slug,
    file: Annotated[Path, typer.Argument(help=f"A CSV with the columns {', '.join(roster.COLUMNS)}")],
    links: Annotated[Path | None, typer.Option(help="Write new people's login links to this CSV")] = None,
) -> None:
    """Add everybody in FILE to a course; may be repeated. New people get a one-time login link.

    Exit code 0: done; 2: the file has problems, all of which are told, and nobody was added.
    """
    settings = Settings()
    people = roster.read(file)
    service = build_service(settings)
    with _kept_if_used(links):
        enrolled = courses.enrol(service, slug, people)
        new = [(p.login, p.name, login_url(settings, secret)) for p, secret in enrolled if secret is not None]
        if links is not None and new:
            roster.write_links(links, new)
    console.out.print(Text(f"{count(len(enrolled), 'person', 'people')} in {slug}, {len(new)} of them new."))
    _tell_links(new, links)


def _tell_links(new: Sequence[tuple[str, str, str]], written: Path | None) -> None:
    if new and written is not None:
        console.out.print(Text(f"Their login links are in {written}; each {ONCE}."), soft_wrap=True)
    elif new:
        console.out.print(Text(f"Their login links; each {ONCE}, and is shown only now:"))
        for login, _, url in new:
            console.out.print(Text(f"  {login}  {url}"), soft_wrap=True)


@contextmanager
def _kept_if_used(links: Path | None) -> Iterator[None]:
    """The file for links is made before anybody is added: a link that could not be written would be lost."""
    if links is None:
        yield
        return
    roster.reserve(links)
    try:
        yield
    finally:
        with suppress(OSError):
            if links.stat().st_size == 0:
                links.unlink()


def appoint(service: Service, slug: str, login: str) -> str | None:
    """Make somebody an instructor of a course; the secret of a login link where they are new. Raises Refused."""
    known = service.store.accounts.person(login)
    name, email = (known.name, known.email) if known else (login, "")
    [(_, secret)] = courses.enrol(service, slug, [Enrolment(login, name, email, Role.INSTRUCTOR)])
    return secret


def tell_link(settings: Settings, login: str, secret: str | None) -> None:
    """How an instructor gets in."""
    if secret is None:
        console.out.print(Text(f"{login} has access already; a new link: grader course link {login}"))
        return
    console.out.print(Text(f"Instructor {login} logs in here; it {ONCE}:"))
    console.out.print(Text(f"  {login_url(settings, secret)}"), soft_wrap=True)


def login_url(settings: Settings, secret: str) -> str:
    """The page that a one-time link opens."""
    return f"{settings.public_url}/login?token={secret}"


def count(number: int, one: str, many: str = "") -> str:
    """`3 labs`, `1 lab`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
