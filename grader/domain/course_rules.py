"""Reads course.toml: the rules of a course, with every problem told at once.

    timezone = "Europe/Berlin"        # of every time that names none; UTC where it is absent
    late_days = 5                     # free ones, over all labs
    freeze = 2026-12-01T18:00:00      # from then on the public board shows nothing new
    [policy]                          # of every lab; its keys: see `policy_table`
    [labs.lab-01-ngram-spec-decode]   # of one

A lab.toml may have a [policy] as well. Key by key, a lab's own table here comes before [policy] here, and that before
lab.toml.
"""

import tomllib
from collections.abc import Mapping
from datetime import UTC, tzinfo
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from grader.domain.errors import BadManifest, Problem
from grader.domain.lab import Lab
from grader.domain.manifest import Table, show
from grader.domain.policy import CourseRules, Policy
from grader.domain.policy_table import Source, check_order, merged, moment, read_source

FILE = "course.toml"
MOST_BYTES = 256 * 1024


def read_rules(text: str, labs: Mapping[str, Lab], *, file: str = FILE) -> CourseRules:
    """The rules in the text of a course.toml, which may be empty, for these labs by id. Raises BadManifest."""
    problems: list[Problem] = []
    try:
        top = Table(tomllib.loads(text), "", problems)
    except (ValueError, RecursionError) as error:
        raise BadManifest(file, [Problem("", f"this is not TOML: {str(error)[:200]}")]) from None
    zone = _zone(top)
    known = {test.name for lab in labs.values() for test in lab.tests}
    default = read_source(top.table("policy"), zone, known)
    own = _own(top, labs, zone)
    late_days = top.whole("late_days", 0, least=0, most=366)
    frozen_at = moment(top, "freeze", zone)
    top.refuse_unknown()
    check_order([default])
    policies = tuple((name, _of_lab(lab, default, own.get(name), zone)) for name, lab in labs.items())
    if problems:
        raise BadManifest(file, list(dict.fromkeys(problems)))
    return CourseRules(merged([default], known), policies, late_days, frozen_at, str(zone))


def _zone(top: Table) -> tzinfo:
    name = top.text("timezone", "UTC", expected="the name of a time zone such as Europe/Berlin")
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, LookupError, OSError):
        near = get_close_matches(name, available_timezones(), n=1)
        top.wrong("timezone", f"the name of a time zone such as {near[0] if near else 'Europe/Berlin'}", name)
        return UTC


def _own(top: Table, labs: Mapping[str, Lab], zone: tzinfo) -> dict[str, Source]:
    """The tables of single labs, by id."""
    tables = top.table("labs")
    there = [name for name in tables.names() if name in labs]
    for name in tables.names():
        if name not in labs:
            tables.wrong(show(name).strip("'"), f"one of the course's labs ({', '.join(labs) or 'none'})", name)
    return {name: read_source(tables.table(name), zone, {test.name for test in labs[name].tests}) for name in there}


def _of_lab(lab: Lab, default: Source, own: Source | None, zone: tzinfo) -> Policy:
    """The rules of one lab from all that is said of it."""
    tests = {test.name for test in lab.tests}
    # what is wrong with it in itself was told when the lab was read; what this course's zone makes of it is told here
    written = Table(lab.policy, f"{lab.id}/lab.toml: policy", default.table.problems)
    sources = [read_source(written, zone, tests), default, *([own] if own else [])]
    check_order(sources)
    policy = merged(sources, tests)
    if policy.hidden:
        _check_hidden(sources, policy, lab)
    return policy


def _check_hidden(sources: list[Source], policy: Policy, lab: Lab) -> None:
    table = next(source.table for source in reversed(sources) if "hidden_until_due" in source.values)
    if policy.due_at is None:
        table.wrong("hidden_until_due", f"a due time of {lab.id}, until which they are hidden", None)
    if not any(test.points for test in lab.tests if test.name not in policy.hidden):
        table.wrong("hidden_until_due", f"a test of {lab.id} with points to be left for students", [*policy.hidden])
