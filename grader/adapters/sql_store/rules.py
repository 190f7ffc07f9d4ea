"""The rules of a course as the store keeps them, and whom they join or give more time."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, select

from grader.adapters.sql_store.board_tables import extension
from grader.adapters.sql_store.standing_rows import of_people
from grader.adapters.sql_store.tables import course, lab, member, spec
from grader.domain.lab import Lab
from grader.domain.policy import Cap, Counts, CourseRules, Late, Policy

_EXTRA = select(extension.c.person_id, extension.c.extra_s).where(*of_people(extension))
_POLICIES = select(course.c.policies).where(course.c.id == bindparam("course"))


def rules_of(db: Connection, course_id: str) -> CourseRules:
    """The rules of a course now, as they were made of course.toml and the labs when they were last put.

    They are not read from those again: a lab that has changed since might not fit them any more, and a result that
    comes in meanwhile has to be scored.
    """
    return load_rules(db.execute(_POLICIES, {"course": course_id}).scalar() or "")


def dump_rules(rules: CourseRules) -> str:
    """Rules as one value."""
    return json.dumps(asdict(rules), sort_keys=True)


@lru_cache(maxsize=64)
def load_rules(text: str) -> CourseRules:
    """What `dump_rules` made; the default ones of nothing."""
    if not text:
        return CourseRules()
    whole = json.loads(text)
    labs = tuple((name, _policy(one)) for name, one in whole.pop("labs"))
    return CourseRules(_policy(whole.pop("default")), labs, **whole)


def _policy(one: dict[str, Any]) -> Policy:
    late, cap = Late(**one.pop("late")), one.pop("cap")
    counts, hidden = Counts(one.pop("counts")), tuple(one.pop("hidden"))
    return Policy(late=late, cap=Cap(**cap) if cap else None, counts=counts, hidden=hidden, **one)


def labs_of(db: Connection, course_id: str) -> dict[str, Lab]:
    """What the manifests of a course's labs say, by the lab's id, in the course's order."""
    theirs = select(spec.c.lab_path, spec.c.manifest).join(lab, lab.c.spec_digest == spec.c.digest)
    rows = db.execute(theirs.where(lab.c.course == course_id).order_by(lab.c.position, lab.c.id)).all()
    labs = (Lab.from_toml(manifest, file=f"{lab_path}/lab.toml") for lab_path, manifest in rows)
    return {one.id: one for one in labs}


def extra_time(db: Connection, course_id: str, lab_id: str, people: Iterable[int]) -> dict[int, float]:
    """By how many seconds these people's times are extended in a lab, each by themselves."""
    rows = db.execute(_EXTRA, {"course": course_id, "lab": lab_id, "people": list(people)}).all()
    return {person_id: extra for person_id, extra in rows}


def teams(db: Connection, course_id: str, policy: Policy, people: Iterable[int]) -> Mapping[int, tuple[int, ...]]:
    """Who hands in with whom in a lab with these rules: everybody in the teams of `people`, each with all of theirs."""
    wanted = tuple(people)
    alone = {person_id: (person_id,) for person_id in wanted}
    if not policy.groups:
        return alone
    c = member.c
    theirs = select(c.team).where(c.course == course_id, c.person_id.in_(wanted), c.team != "")
    rows = db.execute(select(c.team, c.person_id).where(c.course == course_id, c.team.in_(theirs))).all()
    by_team: dict[str, list[int]] = {}
    for team, person_id in rows:
        by_team.setdefault(team, []).append(person_id)
    return alone | {one: tuple(sorted(together)) for together in by_team.values() for one in together}
