"""Reads one table of a policy: [policy] or [labs.<id>] of course.toml, or [policy] of lab.toml.

Its keys: opens, due, closes, counts, late_percent_per_day, late_most_percent, cap, hidden_until_due, groups.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from grader.domain.manifest import Table
from grader.domain.policy import Cap, Counts, Late, Policy

_TIMES = ("opens", "due", "closes")
_A_TIME = "a date with a time such as 2026-12-01T18:00:00"
_YEARS = range(1970, 2201)
_HOUR_S = 3600.0


@dataclass(frozen=True)
class Source:
    """One table; `values` has what it says, by key, as a Policy keeps it; without what makes no sense."""

    table: Table
    values: Mapping[str, Any]


def read_source(table: Table, zone: tzinfo, tests: Collection[str]) -> Source:
    """What the table says, its problems noted. `zone` is that of local times; `tests` are those that may be hidden."""
    values: dict[str, Any] = {name: moment(table, name, zone) for name in _TIMES if table.has(name)}
    if table.has("counts"):
        values["counts"] = Counts(table.choice("counts", [str(one) for one in Counts], Counts.BEST))
    for name in ("late_percent_per_day", "late_most_percent"):
        if table.has(name):
            values[name] = table.whole(name, least=0, most=100)
    if table.has("cap"):
        values["cap"] = _cap(table.table("cap"))
    if table.has("hidden_until_due"):
        values["hidden_until_due"] = _hidden(table, tests)
    if table.has("groups"):
        values["groups"] = table.flag("groups", False)
    table.refuse_unknown()
    return Source(table, values)


def check_policy(table: Table, tests: Collection[str]) -> None:
    """Note what is wrong with the [policy] of a lab.toml; its local times are read again in the zone of a course."""
    check_order([read_source(table, UTC, tests)])


def moment(table: Table, name: str, zone: tzinfo) -> float | None:
    """Seconds since 1970. A time that the clocks skip is refused; of one that comes twice, the later is meant."""
    if not table.has(name):
        return None
    value = table.value(name)
    if not isinstance(value, datetime) or value.year not in _YEARS:
        table.wrong(name, _A_TIME, value)
        return None
    if value.tzinfo is not None:
        return value.timestamp()
    found = value.replace(tzinfo=zone, fold=1).timestamp()
    if datetime.fromtimestamp(found, zone).replace(tzinfo=None, fold=0) != value:
        table.wrong(name, f"a time that there is (in {zone} the clocks skip this one)", value)
        return None
    return found


def merged(sources: Sequence[Source], tests: Collection[str]) -> Policy:
    """The policy of a lab with these tests: of each key, what the last of the sources says that has it."""
    said = {name: value for source in sources for name, value in source.values.items()}
    return Policy(
        opens_at=said.get("opens"),
        due_at=said.get("due"),
        closes_at=said.get("closes"),
        counts=said.get("counts", Counts.BEST),
        late=Late(said.get("late_percent_per_day", 0), said.get("late_most_percent", 100)),
        cap=said.get("cap"),
        hidden=tuple(name for name in said.get("hidden_until_due", ()) if name in tests),
        groups=said.get("groups", False),
    )


def check_order(sources: Sequence[Source]) -> None:
    """opens < due ≤ closes; told where the later of two is said."""
    said = {name: source for source in sources for name in _TIMES if source.values.get(name) is not None}
    for earlier, later in (("opens", "due"), ("opens", "closes"), ("due", "closes")):
        if earlier not in said or later not in said:
            continue
        first, second = said[earlier].values[earlier], said[later].values[later]
        if second < first or (second == first and earlier == "opens"):
            table = said[later].table
            table.wrong(later, f"a time after {said[earlier].table.key(earlier)}", table.value(later))


def _cap(table: Table) -> Cap:
    submissions = table.whole("submissions", least=1, most=10_000)
    hours = table.number("hours", 24.0, above=0, most=24.0 * 366)
    table.refuse_unknown()
    return Cap(submissions, hours * _HOUR_S)


def _hidden(table: Table, tests: Collection[str]) -> tuple[str, ...]:
    names = table.texts("hidden_until_due", "a list of tests by name")
    for name in names:
        if name not in tests:
            table.wrong("hidden_until_due", f"tests that there are ({', '.join(sorted(tests)) or 'none'})", name)
    return tuple(dict.fromkeys(names))
