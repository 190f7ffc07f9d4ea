"""The client of the API: nothing is lost or handed in twice, whatever breaks, and nothing it shows can harm."""

import json
from collections.abc import Callable

import httpx
import pytest

from grader.client.answers import Declined, Incomprehensible, Unreachable
from grader.client.remote import PATIENT, UPLOAD, Remote
from grader.client.sse import MAX_LINE_BYTES, BrokenStream, Told, events
from grader.domain.errors import Fault
from tests.unit.fake_grader import COUNT, DONE, TOTAL, sse, submission

SSE = {"content-type": "text/event-stream"}


def remote(answer: Callable[[httpx.Request], httpx.Response], pauses: list[float] | None = None) -> Remote:
    pause = [] if pauses is None else pauses
    return Remote("https://grader", "grd_x", transport=httpx.MockTransport(answer), pause=pause.append)


class Scripted:
    """Answers in turn; the last one for all that follow. An exception is raised."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_stream_is_read_however_it_is_cut_into_pieces() -> None:
    wire = b': ping\r\n\r\nevent: test\r\nid: 7\r\ndata: {"a":\r\ndata: "\xe2\x9c\x93"}\r\n\r\nevent: cut\ndata: {}\n'
    for size in (1, 2, 3, 1000):
        pieces = [wire[start : start + size] for start in range(0, len(wire), size)]
        assert list(events(pieces)) == [None, Told("test", {"a": "✓"}, 7)]


@pytest.mark.parametrize(
    "wire", [b"data: no json\n\n", b"x" * (MAX_LINE_BYTES + 1), b"data: " + b"[" * 100_000 + b"\n\n"]
)
def test_what_is_no_stream_of_ours_breaks_it(wire: bytes) -> None:
    with pytest.raises(BrokenStream):
        list(events([wire]))


def test_whatever_a_stream_says_is_clean() -> None:
    [told] = events([sse("test", {"test": "\x1b[31mred\x07", "more": ["\u202ex"]}, 1)])
    assert told == Told("test", {"test": "red", "more": ["x"]}, 1)


def test_a_stream_goes_on_where_it_stopped() -> None:
    first = sse("started", {"attempt": 1}, 1) + sse("test", COUNT, 2) + sse("test", TOTAL, 3)[:-1]
    second = sse("test", COUNT, 2) + sse("test", TOTAL, 3) + sse("ended", DONE, 4) + sse("test", COUNT, 5)
    script = Scripted(
        httpx.Response(200, headers=SSE, content=first),
        httpx.ConnectError("refused"),
        httpx.Response(503),
        httpx.Response(200, headers=SSE, content=second),
    )
    pauses: list[float] = []
    told = list(remote(script, pauses).follow("5f1e"))
    assert [t.kind for t in told] == ["started", "test", "lost", "back", "test", "ended"]
    assert [t.data["test"] for t in told if t.kind == "test"] == ["test_count", "test_total"]
    assert [r.headers.get("last-event-id") for r in script.requests] == [None, "2", "2", "2"]
    assert len(pauses) == 3
    assert pauses[0] < pauses[2]


def test_a_stream_of_a_job_that_had_ended_before_stops() -> None:
    script = Scripted(httpx.Response(200, headers=SSE, content=sse("test", COUNT, 1)), httpx.Response(200, headers=SSE))
    assert [t.kind for t in remote(script).follow("5f1e")] == ["test", "lost", "back"]


def test_patience_with_a_stream_ends_after_a_quarter_of_an_hour() -> None:
    pauses: list[float] = []
    with pytest.raises(Unreachable):
        list(remote(Scripted(httpx.ConnectError("refused")), pauses).follow("5f1e"))
    assert len(pauses) == PATIENT - 1
    assert 10 * 60 < sum(pauses) < 20 * 60


@pytest.mark.parametrize("status", [401, 404])
def test_a_stream_that_is_refused_is_not_asked_for_again(status: int) -> None:
    script = Scripted(httpx.Response(status, json={"error": {"message": "no", "advice": "", "fault": "student"}}))
    with pytest.raises(Declined, match="no"):
        list(remote(script).follow("5f1e"))
    assert len(script.requests) == 1


def test_a_page_is_no_stream() -> None:
    with pytest.raises(Incomprehensible):
        list(remote(Scripted(httpx.Response(200, html="<p>hello"))).follow("5f1e"))


def test_an_upload_is_tried_again_with_the_same_bytes() -> None:
    script = Scripted(
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(502),
        httpx.Response(200, json={**submission(), "duplicate": True}),
    )
    lost: list[None] = []
    answer = remote(script).submit("unit", "lab-01", "starter.py", b"x = 1\n", lambda: lost.append(None))
    assert answer["duplicate"] is True
    assert len(lost) == 3
    assert all(b'filename="starter.py"' in r.content and b"x = 1\n" in r.content for r in script.requests)


def test_an_upload_is_given_up_in_the_end() -> None:
    script = Scripted(httpx.ConnectError("[Errno 111] Connection refused"))
    with pytest.raises(Unreachable, match="Connection refused"):
        remote(script).submit("unit", "lab-01", "starter.py", b"", lambda: None)
    assert len(script.requests) == UPLOAD


def test_a_refusal_is_told_as_the_server_words_it_and_not_tried_again() -> None:
    error = {"message": "starter.py is \x1b[2Jempty", "advice": "save it", "fault": "lab_author", "retried": True}
    script = Scripted(httpx.Response(422, json={"error": error}))
    with pytest.raises(Declined) as refused:
        remote(script).submit("unit", "lab-01", "starter.py", b"", lambda: None)
    found = refused.value
    assert (found.message, found.advice, found.fault) == ("starter.py is empty", "save it", Fault.LAB_AUTHOR)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("response", "error", "words"),
    [
        (httpx.Response(401, json={"error": {"message": "who?"}}), Declined, "grader login https://grader"),
        (httpx.Response(404, html="<h1>nginx"), Declined, "no such thing"),
        (httpx.Response(500, text="boom"), Declined, "failed"),
        (httpx.Response(503), Unreachable, "not available"),
        (httpx.Response(200, html="<h1>Welcome to the hotel"), Incomprehensible, "does not speak"),
        (httpx.Response(200, json=["x"]), Incomprehensible, "does not speak"),
        (httpx.Response(418), Incomprehensible, "does not speak"),
        (httpx.Response(301, headers={"location": "https://other/"}), Declined, "sends us on to https://other/"),
    ],
)
def test_every_answer_has_its_sentence(response: httpx.Response, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        remote(Scripted(response)).me()


def test_a_token_does_not_follow_a_redirect() -> None:
    script = Scripted(httpx.Response(302, headers={"location": "https://elsewhere/"}), httpx.Response(200, json={}))
    with pytest.raises(Declined):
        remote(script).me()
    assert [r.url.host for r in script.requests] == ["grader"]


def test_names_in_addresses_are_quoted() -> None:
    script = Scripted(httpx.Response(200, json=json.loads("{}")))
    remote(script).submission("../me?x=")
    assert script.requests[0].url.raw_path == b"/api/v1/submissions/..%2Fme%3Fx%3D"
