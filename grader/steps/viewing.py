"""What somebody may read: a submission with all that is known of it, lists of submissions.

Students see nothing of a hidden test before it is due: what they get from here was made without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from grader.domain.course import Best, Handed, Handin, Spec
from grader.domain.diagnosis import Finding, findings
from grader.domain.errors import NotFound, UnreadableReport
from grader.domain.hiding import NOTHING, Hidden, event_without, text_without, without
from grader.domain.job import WAITING, Attempt, Job, Place
from grader.domain.lab import Lab
from grader.domain.live import ENDED, OF_A_RUN, LiveEvent
from grader.domain.measured import Measured
from grader.domain.people import Person, Role, Viewer
from grader.domain.policy_lines import hidden_line
from grader.domain.report import Report, read_report
from grader.domain.score import Score, score
from grader.steps import rules
from grader.steps.service import Service

EARLIER = 20
#: Among so many of their newest submissions a student's best one is looked for, where tests are hidden.
LOOKED_AT = 200


@dataclass(frozen=True)
class View:
    """One submission. `job` is the one of `jobs` that is shown; `report`, `score` and `findings` are there once it is
    graded. All of it is without the `hidden` tests, `lab` as well.

    `earlier` are this person's submissions for the lab, newest first; `replay` is the command that repeats the run.
    `programs` counts their programs for this lab and spec up to this one: what the lab's error budget is spent on.
    `notes` say that it is late, and what that costs; times in them are in the course's `zone`. `stages` say where the
    time went, to graders alone: they tell of hidden tests too.
    """

    handin: Handin
    person: Person
    lab: Lab
    job: Job
    jobs: list[Job]
    attempts: list[Attempt]
    place: Place | None
    report: Report | None
    score: Score | None
    findings: tuple[Finding, ...]
    earlier: list[Handed]
    replay: str
    programs: int = 1
    hidden: Hidden = NOTHING
    notes: tuple[str, ...] = ()
    zone: str = "UTC"
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def told(self) -> tuple[str, ...]:
        """What its reader is told of the course's rules: the notes, and how many tests are hidden until when."""
        return tuple(filter(None, (*self.notes, hidden_line(self.hidden, self.zone))))


def view(service: Service, viewer: Viewer, submission_id: str, job_id: str = "") -> View:
    """With a job of it, for graders, that one in place of the one that is shown.

    Raises NotFound for what is not there and for what somebody else handed in alike.
    """
    handin = visible(service, viewer, submission_id)
    store = service.store
    shut = rules.hidden(service, viewer, handin.course, handin.lab, handin.person_id)
    job, jobs = _jobs(service, viewer, handin, job_id)
    lab = without(the_spec(service, job.spec_digest).lab, shut.tests)
    report = _report(service, job, lab)
    earlier = store.submissions.page(handin.course, person_id=handin.person_id, lab=handin.lab, limit=EARLIER)
    return View(
        handin=handin,
        person=store.accounts.people([handin.person_id])[handin.person_id],
        lab=lab,
        job=rules.masked(service, [job], shut)[0],
        jobs=rules.masked(service, jobs, shut),
        attempts=[replace(one, problem=text_without(one.problem, shut.tests)) for one in store.jobs.attempts(job.id)],
        place=place(service, job),
        report=report,
        score=None if report is None else score(report, lab),
        findings=() if report is None else findings(report, lab),
        earlier=_masked(service, earlier, shut),
        replay=f"grader grade {lab.id} {lab.submission[0]} --seed {job.seed}",
        programs=store.jobs.program(job),
        hidden=shut,
        notes=rules.notes(service, handin.course, handin.lab, handin.person_id, handin.created_at),
        zone=store.standings.rules(handin.course).timezone,
        stages=store.jobs.stages(job.id) if viewer.may(handin.course, Role.GRADER) else {},
    )


def visible(service: Service, viewer: Viewer, submission_id: str) -> Handin:
    """The submission, if `viewer` may see it: a team may see what it hands in together. Raises NotFound."""
    handin = service.store.submissions.get(submission_id)
    if handin is None or not (
        viewer.may_see(handin.course, handin.person_id)
        or handin.person_id in team(service, viewer, handin.course, handin.lab)
    ):
        raise NotFound("there is no such submission, or it is not yours", "check the address, and who you are")
    return handin


def team(service: Service, viewer: Viewer, course: str, lab: str) -> list[int]:
    """Who hands in for this lab together with the viewer, who is one of them."""
    standings = service.store.standings
    if course in viewer.roles and standings.rules(course).of(lab).groups:
        return standings.team(course, viewer.person.id)
    return [viewer.person.id]


def handed_in(
    service: Service, viewer: Viewer, course: str, *, person_id: int | None, lab: str | None, before: str, limit: int
) -> list[Handed]:
    """Newest first: a student's own whatever is asked for, of one lab their team's; anybody's for graders."""
    if viewer.may(course, Role.GRADER):
        return service.store.submissions.page(course, person_id=person_id, lab=lab, before=before, limit=limit)
    return own(service, viewer, course, lab=lab, before=before, limit=limit)


def own(
    service: Service, viewer: Viewer, course: str, *, lab: str | None = None, before: str = "", limit: int = 50
) -> list[Handed]:
    """What the viewer handed in themselves, of one lab what their team did; newest first."""
    people = [viewer.person.id] if lab is None else team(service, viewer, course, lab)
    page = service.store.submissions.page
    rows = [row for one in people for row in page(course, person_id=one, lab=lab, before=before, limit=limit)]
    rows = sorted(rows, key=lambda row: (row.handin.created_at, row.handin.id), reverse=True)[:limit]
    labs = dict.fromkeys(row.handin.lab for row in rows)
    shut = {name: rules.hidden(service, viewer, course, name, viewer.person.id) for name in labs}
    for name in labs:
        seen = iter(_masked(service, [row for row in rows if row.handin.lab == name], shut[name]))
        rows = [next(seen) if row.handin.lab == name else row for row in rows]
    return rows


def best(service: Service, viewer: Viewer, course: str) -> list[Best]:
    """The best graded submission per lab of the viewer, for graders of everybody; without what is hidden from them."""
    if viewer.may(course, Role.GRADER):
        return service.store.submissions.best(course)
    found = []
    for one in service.store.submissions.best(course, person_id=viewer.person.id):
        if not rules.hidden(service, viewer, course, one.lab, viewer.person.id):
            found.append(one)
            continue
        # which submission is the best would tell of the hidden tests as well
        rows = own(service, viewer, course, lab=one.lab, limit=LOOKED_AT)
        seen = [row for row in rows if row.job.points is not None and row.person.id == viewer.person.id]
        for top in sorted(seen, key=lambda row: row.job.points or 0)[-1:]:  # the first of equals
            points, most = top.job.points or 0, top.job.max_points or 0
            found.append(replace(one, points=points, max_points=most, submission_id=top.handin.id))
    return found


def measured(service: Service, rows: Sequence[Handed], shut: Hidden) -> Measured | None:
    """What an engine measured for the newest graded one of `rows`, newest first, as who may not see `shut` knows it."""
    newest = next((row.job for row in rows if row.job.points is not None), None)
    if newest is None:
        return None
    report = _report(service, newest, without(the_spec(service, newest.spec_digest).lab, shut.tests))
    return report.measured if report else None


def seen_job(service: Service, viewer: Viewer, handin: Handin, job: Job) -> Job:
    """A submission's job as the viewer may see it."""
    shut = rules.hidden(service, viewer, handin.course, handin.lab, handin.person_id)
    return rules.masked(service, [job], shut)[0]


def followed(service: Service, viewer: Viewer, submission_id: str) -> tuple[Job, Hidden]:
    """The job that a viewer follows as it runs, and what they may not see of it. Raises NotFound."""
    handin = visible(service, viewer, submission_id)
    job = service.store.jobs.shown([handin.id])[handin.id]
    return job, rules.hidden(service, viewer, handin.course, handin.lab, handin.person_id)


@dataclass(frozen=True)
class Since:
    """What is new of a job: its `events`, the number of the `last` one that happened, its place while it waits."""

    events: list[LiveEvent]
    last: int
    place: Place | None
    ended: bool


def since(service: Service, job: Job, after: int, shut: Hidden) -> Since:
    """What happened to a job behind event number `after`, as who may not see these tests reads it."""
    found = service.store.jobs.events(job.id, after=after)
    seen, last = seen_events(service, job, found, shut), found[-1].seq if found else after
    if found and found[-1].kind in (*OF_A_RUN, ENDED):  # then it does not wait: no need to look
        return Since(seen, last, None, found[-1].kind == ENDED)
    now = service.store.jobs.get(job.id)
    # one that had ended before is followed behind its end: nothing comes any more
    over = now is None or (now.state.final and not found)
    return Since(seen, last, place(service, now) if now is not None and not over else None, over)


def seen_events(service: Service, job: Job, events: Sequence[LiveEvent], shut: Hidden) -> list[LiveEvent]:
    """Live events of a job as who may not see these tests reads them."""
    if not shut or not events:
        return list(events)
    lab = the_spec(service, job.spec_digest).lab
    earned = service.store.jobs.earned([job.id], shut.tests).get(job.id, 0)
    told = (event_without(event, lab, shut.tests, earned) for event in events)
    return [event for event in told if event is not None]


def place(service: Service, job: Job) -> Place | None:
    """Where a job stands in the line; None once it runs."""
    return service.lines.place(job, service) if job.state in WAITING else None


def the_spec(service: Service, digest: str) -> Spec:
    """The spec with this digest, which some row of the store names."""
    found = service.store.courses.spec(digest)
    assert found is not None, f"the store names a spec it does not hold: {digest}"
    return found


def _jobs(service: Service, viewer: Viewer, handin: Handin, job_id: str) -> tuple[Job, list[Job]]:
    """The one to show, and all they may know of: students hear of a rerun once it counts. Raises NotFound."""
    jobs = service.store.jobs.of_submission(handin.id)
    shown = service.store.jobs.shown([handin.id])[handin.id]
    staff = viewer.may(handin.course, Role.GRADER)
    if not staff:
        jobs = [job for job in jobs if not job.rerun_id or job.id == shown.id]
    wanted = next((job for job in jobs if staff and job.id == job_id), None) if job_id else shown
    if wanted is None:
        raise NotFound("there is no such run of this submission", "look at the submission itself")
    return wanted, jobs


def _masked(service: Service, rows: Sequence[Handed], shut: Hidden) -> list[Handed]:
    jobs = rules.masked(service, [row.job for row in rows], shut)
    return [replace(row, job=job) for row, job in zip(rows, jobs, strict=True)]


def _report(service: Service, job: Job, lab: Lab) -> Report | None:
    body = service.store.jobs.report(job.id)
    if body is None:
        return None
    try:
        # what a report names beside the lab's tests may be a hidden one, and nobody reads it here
        return replace(read_report(body, lab), unknown=())
    except UnreadableReport:
        return None
