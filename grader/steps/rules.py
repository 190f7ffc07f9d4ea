"""What the rules of a course mean for one person: whether they may hand in, what is late, what they may not see yet.

The moment that decides is when an upload or a push had arrived at the server, by the server's clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from grader.domain.course import CourseLab
from grader.domain.errors import GraderError, NoAttemptLeft, Refused
from grader.domain.hiding import NOTHING, Hidden, job_without
from grader.domain.job import Job
from grader.domain.people import Role, Viewer
from grader.domain.policy import CourseRules, Policy, extra_s
from grader.domain.policy_lines import Situation, distance, late_line, when
from grader.domain.standings import Row, Standing
from grader.steps.service import Service


@dataclass(frozen=True)
class Terms:
    """The rules of a course, and those of one of its labs for one person, with their extension."""

    rules: CourseRules
    policy: Policy


def terms(service: Service, course: str, lab: str, person_id: int) -> Terms:
    """As they are now."""
    rules = service.store.standings.rules(course)
    policy = rules.of(lab)
    return Terms(rules, policy.extended(extension_s(service, course, lab, person_id, policy)))


def policy_of(service: Service, course: str, lab: str, person_id: int) -> Policy:
    """The rules of a lab for one person, with their extension."""
    return terms(service, course, lab, person_id).policy


def extension_s(service: Service, course: str, lab: str, person_id: int, policy: Policy) -> float:
    """Seconds of extension in a lab; in a group lab the longest of the team's."""
    standings = service.store.standings
    team = standings.team(course, person_id) if policy.groups else [person_id]
    given = [one for member in team for one in standings.extensions(course, person_id=member)]
    return extra_s(given, lab, team)


def hidden(service: Service, viewer: Viewer, course: str, lab: str, person_id: int) -> Hidden:
    """The tests whose results `viewer` may not see yet in what this person handed in; none for graders."""
    if viewer.may(course, Role.GRADER):
        return NOTHING
    rules = service.store.standings.rules(course)
    if not rules.of(lab).hidden:
        return NOTHING
    return hidden_by(policy_of(service, course, lab, person_id), service.clock())


def hidden_by(policy: Policy, now: float) -> Hidden:
    """What a policy hides at a moment."""
    tests = policy.hides(now)
    return Hidden(tests, policy.due_at or 0.0) if tests else NOTHING


def masked(service: Service, jobs: Sequence[Job], shut: Hidden) -> list[Job]:
    """Jobs as who may not see these tests reads them."""
    if not shut:
        return list(jobs)
    earned = service.store.jobs.earned([job.id for job in jobs], shut.tests)
    digests = {job.spec_digest for job in jobs}
    labs = {digest: spec.lab for digest in digests if (spec := service.store.courses.spec(digest)) is not None}
    return [job_without(job, labs[job.spec_digest], shut.tests, earned.get(job.id, 0)) for job in jobs]


def refusal(
    service: Service, viewer: Viewer, lab: CourseLab, at: float, known: Terms | None = None
) -> GraderError | None:
    """Why somebody may not hand in for a lab what arrived then; None where they may. Graders always may."""
    if viewer.may(lab.course, Role.GRADER):
        return None
    known = known or terms(service, lab.course, lab.id, viewer.person.id)
    policy, zone = known.policy, known.rules.timezone
    if policy.opens_at is not None and policy.not_open(at):
        opens = f"{lab.id} opens {when(policy.opens_at, zone)}"
        return Refused(opens, f"hand it in {distance(policy.opens_at, at)}")
    if policy.closes_at is not None and policy.closed(at):
        closed = f"{lab.id} closed {when(policy.closes_at, zone)}: {_counted(service, viewer, lab)}"
        return Refused(closed, "ask your instructor if you need more time")
    return _capped(service, viewer, lab, policy, at, zone)


def notes(
    service: Service, course: str, lab: str, person_id: int, at: float, known: Terms | None = None
) -> tuple[str, ...]:
    """What is told of something that was handed in then: that it is late, and what that costs."""
    known = known or terms(service, course, lab, person_id)
    rules, late = known.rules, known.policy.days_late(at)
    left = free_left(rules, service.store.standings.mine(course, person_id)) if late and rules.late_days else 0
    line = late_line(known.policy.late, late, left)
    return (line,) if line else ()


def situation(service: Service, course: str, lab: str, person_id: int) -> Situation:
    """All that a lab's page says of the rules."""
    standings = service.store.standings
    rules, now = standings.rules(course), service.clock()
    policy = rules.of(lab)
    extra = extension_s(service, course, lab, person_id, policy)
    left = free_left(rules, standings.mine(course, person_id)) if rules.late_days else 0
    cap = policy.cap
    taken = standings.taken_up(course, lab, person_id, now - cap.window_s) if cap else []
    return Situation(policy.extended(extra), rules.timezone, now, extra, rules.late_days, left, taken)


def free_left(rules: CourseRules, row: Row | None) -> int:
    """Free late days that are not spent yet."""
    return max(0, rules.late_days - (row.total.late_days_used if row else 0))


def standing(service: Service, viewer: Viewer, course: str) -> dict[str, Standing]:
    """Where the viewer themselves stands, by lab, without what they may not see yet."""
    row = service.store.standings.mine(course, viewer.person.id)
    return {} if row is None else dict(row_seen(service, viewer, course, row).cells)


def row_seen(service: Service, viewer: Viewer, course: str, row: Row) -> Row:
    """Somebody's row without what the viewer may not see yet; what could be reached is without that as well."""
    shut = {lab: hidden(service, viewer, course, lab, row.person_id) for lab in row.cells}
    bare = row.without_hidden([lab for lab, tests in shut.items() if tests])
    cells = {lab: _of_what_is_seen(service, cell, shut[lab]) for lab, cell in bare.cells.items()}
    less = sum(bare.cells[lab].max_points - cell.max_points for lab, cell in cells.items())
    return replace(bare, cells=cells, total=replace(bare.total, max_points=bare.total.max_points - less))


def _of_what_is_seen(service: Service, cell: Standing, shut: Hidden) -> Standing:
    """A standing whose points, which are without these tests, are out of what can be reached without them."""
    job = service.store.jobs.get(cell.job_id) if shut and cell.job_id else None
    if job is None:
        return cell
    [seen] = masked(service, [job], shut)
    return replace(cell, max_points=seen.max_points or 0)


def _capped(
    service: Service, viewer: Viewer, lab: CourseLab, policy: Policy, at: float, zone: str
) -> NoAttemptLeft | None:
    cap = policy.cap
    if cap is None:
        return None
    taken = service.store.standings.taken_up(lab.course, lab.id, viewer.person.id, at - cap.window_s)
    free_at = cap.free_at(taken, at)
    if free_at <= at:
        return None
    most = "1 submission" if cap.submissions == 1 else f"{cap.submissions} submissions"
    used = f"{lab.id} takes {most} within {cap.window_s / 3600:g} hours, and you have handed that in"
    return NoAttemptLeft(used, free_at - at, f"the next one is free {when(free_at, zone)} ({distance(free_at, at)})")


def _counted(service: Service, viewer: Viewer, lab: CourseLab) -> str:
    """What of theirs counts, in words."""
    found = standing(service, viewer, lab.course).get(lab.id)
    handin = service.store.submissions.get(found.submission_id) if found and found.submission_id else None
    if found is None:
        return "you handed nothing in"
    if handin is None or found.points is None:
        return "what you handed in has no score yet"
    return f"your submission {handin.number} counts, with {found.points} of {found.max_points} points"
