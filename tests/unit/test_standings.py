"""What counts and what it is worth, for any submissions under any rules."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from grader.domain.job import JobState
from grader.domain.policy import DAY_S, Counts, CourseRules, Late, Policy
from grader.domain.standings import SPARK, Entry, Row, Standing, spend, stand, total

DUE = 1_000_000.0
LABS = ("lab-1", "lab-2", "lab-3", "lab-4")

lates = st.builds(Late, percent=st.integers(0, 100), most_percent=st.integers(0, 100))
policies = st.builds(
    Policy, due_at=st.none() | st.just(DUE), counts=st.sampled_from(Counts), late=lates, hidden=st.just(("test_x",))
)


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    """Submissions around a due time, some without a score."""
    made = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        points = draw(st.none() | st.integers(0, 20))
        at = DUE + draw(st.integers(-5, 8)) * DAY_S / 2
        state = JobState.GRADED if points is not None else draw(st.sampled_from(JobState))
        hidden = draw(st.integers(0, points)) if points else 0
        made.append(Entry(f"s{number}", f"j{number}", number, at, state, points, 20, hidden))
    return made


def standing(made: list[Entry], policy: Policy, lab: str = "lab-1") -> Standing:
    found = stand("c", lab, 1, made, policy)
    assert found is not None
    return found


def worth(made: list[Entry], policy: Policy) -> int:
    return standing(made, policy).points or 0


@st.composite
def terms(draw: st.DrawFn) -> tuple[list[Standing], CourseRules]:
    """One person's standings over some labs of a course."""
    labs = [(lab, replace(draw(policies), due_at=DUE + draw(st.integers(-3, 3)) * DAY_S)) for lab in LABS]
    rules = CourseRules(labs=tuple(labs), late_days=draw(st.integers(0, 9)))
    return [standing(draw(entries()), policy, lab) for lab, policy in labs], rules


def test_nobody_stands_anywhere_before_their_first_submission() -> None:
    assert stand("c", "lab-1", 1, [], Policy()) is None
    waiting = standing([Entry("s1", "", 1, DUE, JobState.OFFERED)], Policy())
    assert (waiting.points, waiting.submission_id, waiting.attempts, waiting.state) == (None, "", 1, JobState.QUEUED)


def test_each_rule_of_what_counts() -> None:
    made = [
        Entry("good", "j1", 1, DUE - 10, JobState.GRADED, 9, 10),
        Entry("worse", "j2", 2, DUE, JobState.GRADED, 5, 10),
        Entry("late", "j3", 3, DUE + 10, JobState.GRADED, 10, 10),
        Entry("lost", "", 4, DUE + 20, JobState.DEAD),
    ]
    rules = Policy(due_at=DUE, late=Late(percent=20))
    found = {counts: standing(made, replace(rules, counts=counts)) for counts in Counts}
    assert {counts: one.submission_id for counts, one in found.items()} == {
        Counts.BEST: "good", Counts.LAST: "late", Counts.AT_DEADLINE: "worse",
    }  # fmt: skip
    last = found[Counts.LAST]
    assert (last.points, last.raw_points, last.late_days, last.state, last.spark) == (
        8,
        10,
        1,
        JobState.DEAD,
        (9, 5, 10),
    )


def test_of_equally_good_ones_the_first_counts_and_the_line_of_points_is_bounded() -> None:
    made = [Entry(f"s{n}", f"j{n}", n, DUE + n, JobState.GRADED, n % 2, 1) for n in range(1, 100)]
    found = standing(made, Policy())
    assert (found.submission_id, found.attempts, len(found.spark)) == ("s1", 99, SPARK)


@given(entries(), policies, st.randoms(use_true_random=False))
def test_the_order_in_which_submissions_are_listed_is_nothing(made: list[Entry], policy: Policy, dice: object) -> None:
    shuffled = list(made)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert stand("c", "lab-1", 1, shuffled, policy) == stand("c", "lab-1", 1, made, policy)


@given(entries(), policies)
def test_a_penalty_never_raises_a_score_and_a_day_more_never_helps(made: list[Entry], policy: Policy) -> None:
    found = standing(made, policy)
    assert (found.points or 0) <= (found.raw_points or 0) <= found.max_points
    harder = replace(policy, late=replace(policy.late, percent=policy.late.percent + 10))
    assert worth(made, harder) <= worth(made, policy)
    later = [replace(entry, created_at=entry.created_at + DAY_S) for entry in made]
    if policy.counts is not Counts.AT_DEADLINE:  # where only what is in time counts, another one counts then
        assert worth(later, policy) <= worth(made, policy)


@given(entries(), policies)
def test_the_best_is_never_worth_less_than_what_another_rule_counts(made: list[Entry], policy: Policy) -> None:
    best = worth(made, replace(policy, counts=Counts.BEST))
    assert all(best >= worth(made, replace(policy, counts=counts)) for counts in Counts)


@given(entries(), policies, st.integers(0, 10))
def test_an_extension_never_lowers_a_score(made: list[Entry], policy: Policy, days: int) -> None:
    if policy.counts is not Counts.AT_DEADLINE:
        assert worth(made, policy.extended(days * DAY_S)) >= worth(made, policy)


@given(entries(), policies, st.data())
def test_a_better_result_never_lowers_a_score(made: list[Entry], policy: Policy, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(made) - 1))
    better = [*made[:at], replace(made[at], points=(made[at].points or 0) + 1, state=JobState.GRADED), *made[at + 1 :]]
    if policy.counts is Counts.BEST or made[at].points is not None:
        assert worth(better, policy) >= worth(made, policy)


@given(entries(), policies)
def test_without_hidden_tests_it_is_as_if_they_did_not_exist(made: list[Entry], policy: Policy) -> None:
    bare = [e if e.points is None else replace(e, points=e.points - e.hidden_points, hidden_points=0) for e in made]
    veiled, plain = standing(made, policy).without_hidden(), standing(bare, replace(policy, hidden=()))
    assert (veiled.points, veiled.submission_id, veiled.job_id, veiled.spark) == (
        plain.points, plain.submission_id, plain.job_id, plain.spark,
    )  # fmt: skip
    assert (veiled.hidden_points, veiled.open) == (0, None)


@settings(max_examples=200)
@given(terms())
def test_free_days_are_never_more_than_there_are_and_never_cost_anything(
    given_: tuple[list[Standing], CourseRules],
) -> None:
    standings, rules = given_
    spent = spend(standings, rules)
    assert sum(one.free_days for one in spent) <= rules.late_days
    for before, after in zip(standings, spent, strict=True):
        assert 0 <= after.free_days <= after.late_days
        assert (after.points or 0) >= (before.points or 0)
        assert (after.points or 0) <= (after.raw_points or 0)
        assert (after.points is None) == (before.points is None)
    assert spend(spent, rules) == spent
    sums = total(standings, rules)
    assert sums == total(list(reversed(standings)), rules)
    assert (sums.points, sums.late_days_used) == (sum(s.points or 0 for s in spent), sum(s.free_days for s in spent))
    assert sums.points >= total(standings, replace(rules, late_days=0)).points


def test_free_days_go_to_what_is_due_first_and_none_is_wasted() -> None:
    late = Late(percent=10, most_percent=20)
    policy = Policy(due_at=DUE, late=late)
    rules = CourseRules(labs=(("b", policy), ("a", replace(policy, due_at=DUE + DAY_S))), late_days=3)

    def days_late(lab: str, days: int) -> Standing:
        own = rules.of(lab)
        at = (own.due_at or 0.0) + (days - 0.5) * DAY_S
        return standing([Entry("s", "j", 1, at, JobState.GRADED, 100, 100)], own, lab)

    assert [(s.points, s.free_days) for s in spend([days_late("a", 2), days_late("b", 2)], rules)] == [
        (90, 1),
        (100, 2),
    ]
    # five days late, three free ones would still leave the most that can be taken off
    assert [(s.points, s.free_days) for s in spend([days_late("b", 5), days_late("a", 1)], rules)] == [
        (80, 0),
        (100, 1),
    ]


@given(terms(), st.sets(st.sampled_from(LABS)))
def test_a_row_without_hidden_tests_adds_up(given_: tuple[list[Standing], CourseRules], shut: set[str]) -> None:
    standings, rules = given_
    cells = {one.lab: one for one in spend(standings, rules)}
    row = Row(1, "amy", "Amy", "", "", False, total(standings, rules), cells).without_hidden(shut)
    assert row.total.points == sum(cell.points or 0 for cell in row.cells.values())
    assert all(row.cells[lab].open is None for lab in shut)
