"""Pushes and the rules of a course: what is closed is refused or left out, and what arrived in time is in time."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.domain.errors import GraderError, NoAttemptLeft, Refused
from grader.domain.people import Role
from grader.steps import extending, pushing, recovering
from grader.steps.pushing import Accepted, Push
from tests.courses.copies import answer
from tests.fakes import enrolled
from tests.rules_of import DAY, HOUR, course_toml
from tests.unit.test_pushing import STARTERS, Desk

CLOSES = 1_000_000.0 + DAY
ONE, TWO = STARTERS["toy-1"], STARTERS["toy-2"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Two labs; toy-2 closes a day from now."""
    one = Desk(tmp_path)
    one.store.standings.put_rules("toy", course_toml("toy-2", closes=CLOSES))
    yield one
    one.store.close()


def arriving(desk: Desk, files: dict[str, bytes], *options: str) -> Push:
    """A push of those files, on what the branch holds by now, that has just arrived."""
    old = desk.author.git("rev-parse", pushing.MAIN)
    push = desk.push(desk.commit(files), *options)
    return replace(push, updates=((old, push.commit, pushing.MAIN),), at=desk.clock())


def taken(desk: Desk, push: Push) -> Accepted:
    """What both hooks say to it."""
    pushing.check(desk.service, desk.repositories, push, {})
    desk.author.git("update-ref", pushing.MAIN, push.commit)
    return pushing.accept(desk.service, desk.repositories, push)


def labs(accepted: Accepted) -> tuple[list[str], list[str]]:
    return [one.handin.lab for one in accepted.receipts], [lab.id for lab, _ in accepted.refused]


def test_a_push_for_a_closed_lab_alone_is_refused(desk: Desk) -> None:
    desk.clock.passes(DAY + 1)
    with pytest.raises(Refused, match=r"toy-2 closed 13 Jan 1970, 13:46 UTC: you handed nothing in; ask"):
        taken(desk, arriving(desk, {TWO: answer(10, "a")}))
    assert desk.handed_in() == []


def test_a_push_for_an_open_and_a_closed_lab_is_taken_for_the_open_one_and_told_once(desk: Desk) -> None:
    desk.clock.passes(DAY + 1)
    both = {ONE: answer(6, "a"), TWO: answer(10, "a")}
    accepted = taken(desk, arriving(desk, both))
    assert labs(accepted) == (["toy-1"], ["toy-2"])
    assert "closed" in accepted.refused[0][1].message
    assert labs(taken(desk, arriving(desk, {**both, ONE: answer(10, "b")}))) == (["toy-1"], [])
    assert labs(taken(desk, arriving(desk, {**both, ONE: answer(10, "b"), "NOTES.md": b"a"}))) == ([], [])
    with pytest.raises(Refused, match="toy-2 closed"):
        taken(desk, arriving(desk, {**both, ONE: answer(10, "b"), TWO: answer(4, "c")}))
    assert sorted(desk.handed_in()) == [("toy-1", 1), ("toy-1", 2)]
    enrolled(desk.service, "gina", Role.GRADER)
    extending.grant(desk.service, "gina", "toy", "toy-2", "amy", DAY, "")
    again = taken(desk, arriving(desk, {**both, ONE: answer(10, "b"), "NOTES.md": b"b"}))
    assert labs(again) == (["toy-2"], []), "the commit was kept, and the lab is open again"


def test_what_is_broken_in_a_closed_lab_does_not_keep_the_open_one_out(desk: Desk) -> None:
    desk.clock.passes(DAY + 1)
    assert labs(taken(desk, arriving(desk, {ONE: answer(6, "a"), TWO: b""}))) == (["toy-1"], ["toy-2"])


def test_two_closed_labs_are_both_named(desk: Desk) -> None:
    text = course_toml("toy-1", opens=CLOSES) + course_toml("toy-2", closes=CLOSES - 2 * DAY)
    desk.store.standings.put_rules("toy", text)
    with pytest.raises(Refused, match=r"toy-1 opens .*\ntoy-2 closed"):
        taken(desk, arriving(desk, {ONE: answer(6, "a"), TWO: answer(6, "a")}))
    enrolled(desk.service, "amy", Role.GRADER)
    staff = replace(desk.amy, roles={"toy": Role.GRADER})
    push = replace(arriving(desk, {ONE: answer(6, "a"), TWO: answer(6, "a")}), viewer=staff)
    assert labs(taken(desk, push)) == (["toy-1", "toy-2"], []), "graders always may"


def test_a_cap_is_told_with_when_the_next_is_free(desk: Desk) -> None:
    desk.store.standings.put_rules("toy", course_toml("toy-1", cap="{ submissions = 1, hours = 2 }"))
    taken(desk, arriving(desk, {ONE: answer(6, "a")}))
    desk.clock.passes(HOUR)
    with pytest.raises(
        NoAttemptLeft, match=r"takes 1 submission within 2 hours.*the next one is free 12 Jan 1970, 15:46"
    ):
        taken(desk, arriving(desk, {ONE: answer(6, "b")}))
    assert labs(taken(desk, arriving(desk, {ONE: answer(6, "b"), TWO: answer(6, "b")}))) == (["toy-2"], ["toy-1"])


def test_what_arrived_in_time_is_in_time_however_long_it_takes_to_write_down(desk: Desk) -> None:
    push = arriving(desk, {TWO: answer(10, "a")})
    pushing.check(desk.service, desk.repositories, push, {})
    desk.clock.passes(2 * DAY)
    desk.author.git("update-ref", pushing.MAIN, push.commit)
    [receipt] = pushing.accept(desk.service, desk.repositories, push).receipts
    assert (receipt.handin.created_at, receipt.job.created_at) == (CLOSES - DAY, CLOSES + DAY)


def test_asked_to_grade_again_a_closed_lab_stays_as_it_is(desk: Desk) -> None:
    files = {TWO: answer(10, "a")}
    [receipt] = taken(desk, arriving(desk, files)).receipts
    desk.store.jobs.cancel(receipt.job.id, desk.clock())
    desk.clock.passes(2 * DAY)
    assert labs(taken(desk, arriving(desk, files, "rerun"))) == ([], [])


def moved(desk: Desk, files: dict[str, bytes], at: float | None) -> None:
    """The branch has moved at that time, as git has noted it, and the service died before it wrote anything down."""
    desk.author.git("update-ref", pushing.MAIN, desk.commit(files))
    log = desk.author.git_dir / "logs" / pushing.MAIN
    if at is None:
        log.unlink()
        return
    text = log.read_text(encoding="utf-8")
    log.write_text(re.sub(r"> \d+ \+0000(?=\t?\n\Z)", f"> {at:.0f} +0000", text), encoding="utf-8")
    assert desk.repositories.moved_at("toy", "amy") == at


def test_a_push_that_is_recovered_counts_when_git_took_it(desk: Desk) -> None:
    moved(desk, {TWO: answer(10, "a")}, CLOSES - HOUR)
    desk.clock.passes(3 * DAY)
    assert recovering.recover(desk.service, desk.repositories) == 1
    [row] = desk.store.submissions.page("toy")
    assert (row.handin.lab, row.handin.created_at) == ("toy-2", CLOSES - HOUR)
    assert "push recovered" not in [entry["action"] for entry in desk.store.operations.audit("toy")]


def test_one_that_git_took_after_the_lab_closed_is_not_handed_in(desk: Desk) -> None:
    moved(desk, {ONE: answer(6, "a"), TWO: answer(10, "a")}, CLOSES + HOUR)
    desk.clock.passes(3 * DAY)
    assert recovering.recover(desk.service, desk.repositories) == 1
    assert desk.handed_in() == [("toy-1", 1)]


def test_one_of_which_nobody_knows_when_it_came_is_kept_with_the_present_time_and_noted(desk: Desk) -> None:
    moved(desk, {TWO: answer(10, "a")}, None)
    assert desk.repositories.moved_at("toy", "amy") is None
    desk.clock.passes(3 * DAY)
    assert recovering.recover(desk.service, desk.repositories) == 1
    [row] = desk.store.submissions.page("toy")
    assert row.handin.created_at == desk.clock(), "it was let in, so it is not lost though the lab has closed"
    [entry] = [one for one in desk.store.operations.audit("toy") if one["action"] == "push recovered"]
    assert (entry["subject"], entry["detail"]["submissions"]) == ("amy", [row.handin.id])


def test_every_refusal_is_a_line_for_the_pusher(desk: Desk) -> None:
    desk.clock.passes(2 * DAY)
    with pytest.raises(GraderError) as error:
        taken(desk, arriving(desk, {TWO: answer(10, "a")}))
    assert error.value.message and error.value.advice
