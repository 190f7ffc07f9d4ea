"""The scoreboard, the public board, a lab's insight and a student's page, over the real application."""

import asyncio
import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.domain.people import Role
from grader.steps import courses
from grader.steps.board_news import Boards, news
from grader.steps.courses import Enrolment
from grader.web import board
from tests.browser import Browser
from tests.fakes import enrolled, worker_is_up
from tests.integration.site import Desk
from tests.integration.test_live_page import logged_in, served
from tests.integration.test_pages import send, words
from tests.marking import Class, grade, report
from tests.rules_of import DAY, course_toml

BOTH = ("test_double", "test_total")
BOARD = "/c/toy/board"
INSIGHT = "/c/toy/labs/toy-1/insight"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Amy has 6 of 10 points at her second attempt, Bob none yet."""
    one = Desk(tmp_path)
    school = Class(one.service)
    school.hand_in(one.people["amy"], note="empty")
    one.clock.passes(600)
    school.hand_in(one.people["amy"], "test_double")
    yield one
    one.store.close()


def school(desk: Desk) -> Class:
    return Class(desk.service)


def names(text: str) -> list[str]:
    """The students of a board's rows, in order."""
    return re.findall(r'<th scope="row"><a href="/c/toy/students/[^"]+">([^<]+)</a>', text)


def test_a_board_has_a_row_per_student_with_links_to_what_counts(desk: Desk) -> None:
    answer = desk.browser("gina").get(BOARD)
    submission = desk.store.submissions.page("toy")[0].handin.id
    assert names(answer.text) == ["Amy", "Bob"]
    assert f'<a href="/submissions/{submission}">6<span class="of">/10</span></a>' in answer.text
    assert 'role="img" aria-label="2 scores, the first 0, the last 6"' in answer.text
    assert "nothing handed in" in words(answer) and "6 of 10" in words(answer)
    assert 'tabindex="0"' in answer.text, "the table can be scrolled with the keyboard"


def test_what_waits_and_runs_is_told_with_its_place(desk: Desk) -> None:
    first, second = school(desk).waiting(desk.people["bob"]), school(desk).waiting(desk.people["amy"], "again")
    desk.clock.passes(2)
    assert "next in line" in words(desk.browser("gina").get(BOARD))
    assert "waiting, 1 before it" in words(desk.browser("gina").get(BOARD))
    desk.claim(first.job)
    desk.clock.passes(2)
    said = words(desk.browser("gina").get(BOARD))
    assert "running" in said and "next in line" in said
    grade(desk.service, second.job.id, report(*BOTH))
    assert "10/10" in desk.browser("gina").get(BOARD).text.replace('<span class="of">', "")


def test_columns_sort_by_links_that_say_so(desk: Desk) -> None:
    gina = desk.browser("gina")
    page = gina.get(f"{BOARD}?sort=toy-1&desc=true").text
    assert names(page) == ["Amy", "Bob"]
    assert 'aria-sort="descending"' in page and 'href="?sort=toy-1"' in page
    assert names(gina.get(f"{BOARD}?sort=toy-1").text) == ["Bob", "Amy"]
    for sort in ("login", "name", "section", "points", "late", "last"):
        assert len(names(gina.get(f"{BOARD}?sort={sort}&desc=true").text)) == 2
    wrong = gina.get(f"{BOARD}?sort=%3Cb%3E")
    assert wrong.status_code == 404 and "has no column" in words(wrong) and "<b>" not in wrong.text


def test_search_section_and_pages(desk: Desk) -> None:
    rows = [Enrolment(f"s{i:03}", f"Student {i:03}", "", Role.STUDENT, "AB"[i % 2]) for i in range(60)]
    courses.enrol(desk.service, "toy", rows)
    gina = desk.browser("gina")
    first = gina.get(BOARD)
    assert len(names(first.text)) == 50 and "1–50 of 62" in words(first)
    second = gina.get(BOARD + html.unescape(re.findall(r'rel="next" href="([^"]+)"', first.text)[0]))
    assert len(names(second.text)) == 12 and not set(names(first.text)) & set(names(second.text))
    assert names(gina.get(f"{BOARD}?search=STUDENT+00&section=B").text) == [f"Student 00{i}" for i in (1, 3, 5, 7, 9)]
    assert "Nobody is like that" in words(gina.get(f"{BOARD}?search=%25"))
    assert gina.get(f"{BOARD}?page=999").status_code == 200
    assert gina.get(f"{BOARD}?page=0").status_code == 422


def test_names_are_never_markup(desk: Desk) -> None:
    courses.enrol(desk.service, "toy", [Enrolment("eve", EVIL, "", Role.STUDENT, EVIL)])
    eve = enrolled(desk.service, "eve2")
    school(desk).hand_in(eve)
    gina = desk.browser("gina")
    for path in (BOARD, "/c/toy/students/eve", INSIGHT, f"{BOARD}?search={EVIL}&section={EVIL}"):
        answer = gina.get(path)
        assert answer.status_code == 200 and EVIL not in answer.text


def test_a_row_that_was_drawn_before_follows_its_student(desk: Desk) -> None:
    gina = desk.browser("gina")
    gina.get(BOARD)
    courses.enrol(desk.service, "toy", [Enrolment("amy", "Amy Renamed", "", Role.STUDENT)])
    assert names(gina.get(BOARD).text) == ["Amy Renamed", "Bob"]
    desk.clock.passes(60)
    school(desk).hand_in(desk.people["amy"], *BOTH)
    assert "10 of 10" in words(gina.get(BOARD))


def test_news_tell_each_change_once(desk: Desk) -> None:
    boards, gina = Boards(), desk.people["gina"]
    first = boards.look(desk.service, gina, "toy")
    known = {person: row.version for person, row in first.rows.items()}
    assert list(news(known, None, first)) == []
    receipt = school(desk).waiting(desk.people["bob"])
    desk.clock.passes(2)
    second = boards.look(desk.service, gina, "toy")
    (told,) = news(known, first, second)
    assert (told.row.login, str(told.cell.state), told.place and told.place.ahead) == ("bob", "queued", 0)
    assert list(news(known, second, second)) == []
    grade(desk.service, receipt.job.id, report(*BOTH))
    assert boards.look(desk.service, gina, "toy") is second, "a board is read once a second"
    desk.clock.passes(2)
    third = boards.look(desk.service, gina, "toy")
    (told,) = news(known, second, third)
    assert (told.cell.points, told.row.total.points, told.place) == (10, 10, None)
    assert [one.row.login for one in news(known, None, third)] == ["bob"], "who comes back hears what they missed"


def test_the_stream_ends_with_the_service_and_takes_no_nonsense(desk: Desk) -> None:
    desk.watchers.close()
    gina = desk.client("gina")
    answer = gina.get("/api/v1/courses/toy/events?rows=1.0-2.3")
    assert (answer.status_code, answer.text) == (200, ": grader\n\n")
    assert answer.headers["content-type"].startswith("text/event-stream")
    for rows in ("x", "1", "1.2-", "1.2;3"):
        assert gina.get("/api/v1/courses/toy/events", params={"rows": rows}).status_code == 422


def test_what_is_streamed_is_one_event_per_cell(desk: Desk) -> None:
    school(desk).waiting(desk.people["bob"])
    desk.clock.passes(2)
    bob = desk.people["bob"].person.id
    stream = board.stream(desk.service, desk.people["gina"], Boards(), "toy", {bob: 0}, desk.watchers)

    async def first() -> list[str]:
        found = [await anext(stream), await anext(stream)]
        await stream.aclose()  # type: ignore[attr-defined]
        return found

    hello, event = asyncio.run(first())
    assert hello.startswith(": ")
    assert event.startswith("event: standing\ndata: ") and '"word": "next in line"' in event


def listed(desk: Desk, login: str, alias: str) -> None:
    assert send(desk.browser(login), "/c/toy/public", alias=alias, listed="true").status_code == 303


def test_the_public_board_has_aliases_and_never_a_name(desk: Desk) -> None:
    listed(desk, "amy", "Owl & co")
    for reader in ("bob", "gina"):
        browser = desk.browser(reader)
        for path in ("/c/toy/public", "/c/toy/public?format=csv", "/c/toy/public?format=json"):
            text = browser.get(path).text
            assert "Owl" in text and "Amy" not in text and "amy" not in text, path
    assert "Owl &amp; co" in desk.browser("bob").get("/c/toy/public").text
    assert "1 Owl & co you 6 /10 6" in words(desk.browser("amy").get("/c/toy/public"))
    assert send(desk.browser("amy"), "/c/toy/public", alias="Owl & co").status_code == 303
    assert "Nobody has chosen" in words(desk.browser("bob").get("/c/toy/public"))


def test_a_long_public_board_has_pages_and_says_where_one_stands(desk: Desk) -> None:
    for index in range(60):
        person = enrolled(desk.service, f"p{index}").person
        assert desk.store.standings.list_me("toy", person.id, f"Alias {index:02}", True)
    listed(desk, "amy", "Owl")
    amy = desk.browser("amy")
    first, second, third = (words(amy.get(f"/c/toy/public?page={page}")) for page in (1, 2, 3))
    assert "1–50 of 61" in first and "1 Owl you" in first and "You are on rank 1 of 61" in first
    assert "51–61 of 61" in second and "Alias 59" in second and "Owl you" not in second
    assert "Nobody more" in third
    assert len(amy.get("/c/toy/public?format=json").json()) == 61


@pytest.mark.parametrize(
    ("alias", "told"),
    [("", "without an alias"), ("BOB", "name of somebody else"), ("Owl", "somebody else has this alias"),
     ("x" * 41, "at most 40 characters")],
)  # fmt: skip
def test_an_alias_is_ones_own(desk: Desk, alias: str, told: str) -> None:
    courses.enrol(desk.service, "toy", [Enrolment("cat", "Cat", "", Role.STUDENT)])
    cat = desk.store.accounts.person("cat")
    assert cat is not None and desk.store.standings.list_me("toy", cat.id, "Owl", True)
    answer = send(desk.browser("amy"), "/c/toy/public", alias=alias, listed="true")
    assert answer.status_code in (400, 409) and told in words(answer)


def test_a_frozen_board_shows_what_was_handed_in_before(desk: Desk) -> None:
    listed(desk, "amy", "Owl")
    frozen = f"freeze = {course_toml(due=desk.clock() + 60).splitlines()[-1].partition('= ')[2]}"
    desk.store.standings.put_rules("toy", frozen)
    desk.clock.passes(120)
    school(desk).hand_in(desk.people["amy"], *BOTH)
    said = words(desk.browser("bob").get("/c/toy/public"))
    assert "Frozen since" in said and "1 Owl 6 /10 6" in said
    assert "10 of 10" in words(desk.browser("gina").get(BOARD)), "graders see what is"


def test_insight_counts_groups_and_offers_the_rerun(desk: Desk) -> None:
    worker_is_up(desk.service)
    for index in range(3):
        who = enrolled(desk.service, f"kim{index}")
        receipt = school(desk).waiting(who)
        grade(desk.service, receipt.job.id, report("test_double", cause=f"off by {index}"))
    answer = desk.browser("gina").get(INSIGHT)
    said = words(answer)
    assert "4 students handed in, 4 have a score" in said
    assert "100 % · 4 of 4" in said and "0 % · 0 of 4" in said
    assert "off by #" in said and "Told as “off by 0” (1)" in said
    assert "/c/toy/reruns/new?lab=toy-1&amp;test=test_total&amp;cause=off+by+0&amp;verdict=failed" in answer.text
    assert answer.text.count('<td class="heat good">') == 4
    assert 'title="off by 1"><span aria-hidden="true">✗</span><span class="unseen">failed</span>' in answer.text
    assert "w1" in said, "the workers' health is on it"


def test_insight_follows_every_change(desk: Desk) -> None:
    gina = desk.browser("gina")
    assert "0 % · 0 of 1" in words(gina.get(INSIGHT))
    desk.clock.passes(60)
    school(desk).hand_in(desk.people["amy"], *BOTH)
    said = words(gina.get(INSIGHT))
    assert "100 % · 1 of 1" in said and "Every test that counts is passed" in said
    assert "11 min" in said, "from her first submission to the first that passed test_total"
    assert desk.browser("gina").get("/c/toy/labs/nothing/insight").status_code == 404


def test_a_student_sees_their_own_page_and_no_other(desk: Desk) -> None:
    amy = desk.browser("amy")
    page = amy.get("/c/toy/students/amy")
    assert "6 of 10 points" in words(page) and "compare" in page.text and "More time" not in page.text
    other, nobody = amy.get("/c/toy/students/bob"), amy.get("/c/toy/students/nobody")
    assert (other.status_code, words(other)) == (nobody.status_code, words(nobody)) == (404, words(other))
    assert desk.browser("gina").get("/c/toy/students/nobody").status_code == 404


def test_more_time_is_given_on_the_students_page(desk: Desk) -> None:
    desk.store.standings.put_rules("toy", course_toml(due=desk.clock() - 0.5 * DAY, late_percent_per_day=50))
    desk.clock.passes(60)
    school(desk).hand_in(desk.people["amy"], *BOTH)
    gina, page = desk.browser("gina"), "/c/toy/students/amy"
    assert "5 of 10 points" in words(gina.get(page)) and "10 before the penalty" in words(gina.get(page))
    assert send(gina, f"{page}/extend", lab="toy-1", days="1,5", note="was ill").status_code == 303
    said = words(gina.get(page))
    assert "10 of 10 points" in said and "extended" in said and "by gina: was ill" in said
    assert "extended" in words(desk.browser("amy").get(page)) and "was ill" not in words(desk.browser("amy").get(page))
    for days in ("", "x", "nan", "-1", "367"):
        wrong = send(gina, f"{page}/extend", lab="toy-1", days=days)
        assert wrong.status_code in (400, 409) and "Amy" in words(wrong), days
    assert send(desk.browser("amy"), f"{page}/extend", lab="toy-1", days="9").status_code == 403


def test_two_attempts_side_by_side(desk: Desk) -> None:
    desk.clock.passes(60)
    receipt = desk.hand_in("amy", f"# {EVIL}\ndef double(x):\n    return 3 * x\n".encode())
    grade(desk.service, receipt.job.id, report(*BOTH))
    new, old, _ = (row.handin.id for row in desk.store.submissions.page("toy"))
    pages = [desk.browser(login).get(f"/c/toy/compare?a={a}&b={b}") for login in ("amy", "gina")
             for a, b in ((old, new), (new, old))]  # fmt: skip
    for page in pages:
        assert page.status_code == 200 and EVIL not in page.text
        assert "<ins>" in page.text and "<del>" in page.text and "&lt;img src=x" in page.text
        assert page.text.count('class="changed"') == 1, "test_total alone is passed now"
    assert "+2 −2" in words(pages[0])
    for a, b in ((old, "0" * 16), ("", ""), (old, "x")):
        assert desk.browser("amy").get(f"/c/toy/compare?a={a}&b={b}").status_code == 404
    assert desk.browser("bob").get(f"/c/toy/compare?a={old}&b={new}").status_code == 404


def test_comparing_with_what_has_no_result_marks_nothing(desk: Desk) -> None:
    desk.clock.passes(60)
    waits = school(desk).waiting(desk.people["amy"], "again").handin.id
    old = desk.store.submissions.page("toy")[1].handin.id
    page = desk.browser("amy").get(f"/c/toy/compare?a={old}&b={waits}")
    assert 'class="changed"' not in page.text and "One of them has no result to compare" in words(page)


def test_pages_lead_to_each_other(desk: Desk) -> None:
    gina, amy = desk.browser("gina"), desk.browser("amy")
    course = gina.get("/c/toy").text
    assert BOARD in course and INSIGHT in course
    mine = amy.get("/c/toy").text
    assert BOARD not in mine and INSIGHT not in mine and "/c/toy/students/amy" in mine and "/c/toy/public" in mine
    assert "/c/toy/students/amy" in gina.get("/c/toy/people").text


@pytest.mark.chromium
def test_an_open_board_follows_what_happens(desk: Desk) -> None:
    bob = desk.people["bob"]
    cell = f'tr[data-who="{bob.person.id}"] td:nth-of-type(2)'
    with served(desk) as address, Browser() as browser:
        logged_in(browser, desk, address, "gina")
        browser.go(f"{address}{BOARD}")
        browser.wait(lambda: browser.text("#board-live") == "live", "the board is live")
        receipt = school(desk).waiting(bob)
        desk.clock.passes(2)
        browser.wait(lambda: browser.text(f"{cell} .chip") == "next in line", "it waits")
        job, _ = desk.claim(receipt.job)
        desk.clock.passes(2)
        browser.wait(lambda: browser.text(f"{cell} .chip") == "running", "it runs")
        desk.store.jobs.cancel(job.id, desk.clock())
        again = school(desk).waiting(bob, "again")
        grade(desk.service, again.job.id, report(*BOTH))
        desk.clock.passes(2)
        browser.wait(lambda: browser.text(f"{cell} a") == "10/10", "the points are there")
        assert (
            browser.js(f"document.querySelector('{cell} a').getAttribute('href')") == f"/submissions/{again.handin.id}"
        )
        assert browser.text(f'tr[data-who="{bob.person.id}"] .total') == "10 of 10"
        assert browser.complaints == []
