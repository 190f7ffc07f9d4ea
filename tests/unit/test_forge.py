"""What a forge's webhook is believed, whose a repository is, and how a status is asked for."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.adapters.forge_settings import read_forges
from grader.adapters.forges import request
from grader.domain.errors import BadSettings, UnreadableSubmission
from grader.domain.forge import (
    LOGIN,
    Forge,
    ForgeKind,
    Ignored,
    Push,
    Status,
    StatusState,
    basic_authorization,
    delivery_id,
    is_signed,
    read_webhook,
)
from grader.steps import courses
from grader.steps.fetching import clone_url
from grader.steps.publishing import LONGEST_PAUSE_S, pause

COMMIT = "a" * 40
BODY = b'{"zen": "\xc3\xa9"}'


def forge(kind: ForgeKind = ForgeKind.GITHUB, **changes: Any) -> Forge:
    values = {"repositories": "org/phase08-{login}", "students": {"org/odd": "amy"}, **changes}
    return Forge("toy", kind, "https://forge.test", "secret-of-the-hooks", "the-token", **values)


def payload(kind: ForgeKind = ForgeKind.GITHUB, **changes: Any) -> dict[str, Any]:
    about = {"full_name": "org/phase08-amy", "default_branch": "main"}
    data: dict[str, Any] = {"ref": "refs/heads/main", "after": COMMIT, "repository": about}
    if kind is ForgeKind.GITLAB:
        about = {"path_with_namespace": "org/phase08-amy", "default_branch": "main"}
        data = {"ref": "refs/heads/main", "after": COMMIT, "project": about}
    return {**data, **changes}


def test_githubs_own_example_of_a_signature_is_right() -> None:
    one = Forge("c", ForgeKind.GITHUB, "https://x", "It's a Secret to Everybody", "t")
    sent = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert is_signed(one, {"x-hub-signature-256": sent}, b"Hello, World!")
    assert not is_signed(one, {"x-hub-signature-256": sent}, b"Hello, World")


@pytest.mark.parametrize(
    ("kind", "name", "prefix"),
    [
        (ForgeKind.GITHUB, "x-hub-signature-256", "sha256="),
        (ForgeKind.GITEA, "x-gitea-signature", ""),
        (ForgeKind.GITEA, "x-forgejo-signature", ""),
    ],
)
def test_a_signature_covers_every_byte_and_is_never_guessed(kind: ForgeKind, name: str, prefix: str) -> None:
    digest = hmac.new(b"secret-of-the-hooks", BODY, hashlib.sha256).hexdigest()
    right = prefix + digest
    assert is_signed(forge(kind), {name: right}, BODY)
    assert not is_signed(forge(kind), {name: right}, BODY + b" ")
    for wrong in ("", prefix, right[:-1], right.upper(), f"sha1={digest}", "é" * 64, prefix + "0" * 64, "\0"):
        assert not is_signed(forge(kind), {name: wrong}, BODY), wrong
    assert not is_signed(forge(kind), {}, BODY)
    assert not is_signed(forge(kind), {"x-gitlab-token": "secret-of-the-hooks"}, BODY)


def test_gitlab_sends_the_secret_itself() -> None:
    one = forge(ForgeKind.GITLAB)
    assert is_signed(one, {"x-gitlab-token": "secret-of-the-hooks"}, b"anything")
    for wrong in ({}, {"x-gitlab-token": ""}, {"x-gitlab-token": "secret-of-the-hook"}, {"x-hub-signature-256": "x"}):
        assert not is_signed(one, wrong, b"anything")


def test_a_delivery_is_known_by_its_id_or_by_its_body() -> None:
    for name in ("x-github-delivery", "x-gitea-delivery", "x-forgejo-delivery", "x-gitlab-event-uuid"):
        assert (
            delivery_id({name: "72d3162e-cc78-11e3-81ab-4c9367dc0958"}, b"") == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
        )
    for bad in ("", "a b", "x" * 101, "'; drop table", "\n"):
        assert delivery_id({"x-github-delivery": bad}, b"body") == hashlib.sha256(b"body").hexdigest()


def read(kind: ForgeKind, data: Any, event: str = "") -> Push | Ignored:
    name = {ForgeKind.GITHUB: "x-github-event", ForgeKind.GITEA: "x-gitea-event", ForgeKind.GITLAB: "x-gitlab-event"}
    event = event or ("Push Hook" if kind is ForgeKind.GITLAB else "push")
    return read_webhook(
        forge(kind), {name[kind]: event}, data if isinstance(data, bytes) else json.dumps(data).encode()
    )


@pytest.mark.parametrize("kind", list(ForgeKind))
def test_a_push_to_the_default_branch_is_read(kind: ForgeKind) -> None:
    assert read(kind, payload(kind)) == Push("org/phase08-amy", COMMIT)
    assert read(kind, payload(kind, after="b" * 64)) == Push("org/phase08-amy", "b" * 64)


@pytest.mark.parametrize("kind", list(ForgeKind))
def test_what_is_not_graded_is_ignored_with_the_reason(kind: ForgeKind) -> None:
    cases = {
        "deleted": payload(kind, after="0" * 40),
        "tag": payload(kind, ref="refs/tags/v1"),
        "default branch": payload(kind, ref="refs/heads/other"),
    }
    for word, data in cases.items():
        found = read(kind, data)
        assert isinstance(found, Ignored)
        assert word in found.reason
    assert "ping" in read(kind, {"zen": "x"}, "ping").reason  # type: ignore[union-attr]
    hostile = read(kind, {}, "\x1b[31m" + "x" * 500)
    assert isinstance(hostile, Ignored)
    assert len(hostile.reason) < 120
    assert "\x1b" not in hostile.reason


@pytest.mark.parametrize("kind", list(ForgeKind))
@pytest.mark.parametrize(
    "change",
    [
        {"after": None}, {"after": 7}, {"after": "a" * 39}, {"after": "../../etc"}, {"after": "A" * 40}, {"ref": None},
        {"ref": ["x"]}, {"ref": "x" * 401}, {"repository": None, "project": None}, {"repository": [], "project": []},
        {"repository": {"full_name": 7}, "project": {"path_with_namespace": {}}}, {"repository": {}, "project": {}},
    ],
)  # fmt: skip
def test_wrong_shapes_are_told_and_not_believed(kind: ForgeKind, change: dict[str, Any]) -> None:
    with pytest.raises(UnreadableSubmission):
        read(kind, payload(kind, **change))


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"7", b"{", b"\xff\xfe", b"payload=%7B%7D", b"[" * 100_000, b"9" * 5_000, b'"x"', b"NaN"],
)
def test_what_is_no_object_is_told(body: bytes) -> None:
    with pytest.raises(UnreadableSubmission):
        read(ForgeKind.GITHUB, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["ref", "after", "deleted", "repository", "project", "x"]), JSON), st.data())
def test_no_payload_is_read_as_another_commit_or_breaks_anything(data: dict[str, Any], more: st.DataObject) -> None:
    try:
        found = read(more.draw(st.sampled_from(list(ForgeKind))), data)
    except UnreadableSubmission:
        return
    assert isinstance(found, Ignored)


def test_repositories_are_mapped_by_the_whole_of_their_name() -> None:
    one = forge()
    assert one.login_of("org/phase08-amy") == "amy"
    assert one.login_of("org/odd") == "amy"
    for other in ("org/phase08-", "org/phase08-a/b", "xorg/phase08-amy", "org/phase08-amy\n", "org/phase08-..", "",
                  "org/phase08-amy/../phase08-bob", "ORG/phase08-amy", "org/phase08--x"):  # fmt: skip
        assert one.login_of(other) is None, other
    assert forge(repositories="o.g/{login}/x").login_of("oxg/amy/x") is None
    assert forge(repositories="").login_of("org/phase08-amy") is None
    assert forge(repositories="g/sub/{login}/lab").login_of("g/sub/amy/lab") == "amy"


def test_logins_are_what_a_roster_takes_for_one() -> None:
    assert courses.LOGIN.pattern == LOGIN


def test_addresses_are_made_of_the_configuration_and_hold_no_token() -> None:
    status = Status("org/phase08-a+b", COMMIT, StatusState.FAILURE, "grader/toy-1", "48 of 100 points", "https://g/s/1")
    urls = {kind: request(forge(kind), status) for kind in ForgeKind}
    assert urls[ForgeKind.GITHUB][0] == f"https://forge.test/api/v3/repos/org/phase08-a%2Bb/statuses/{COMMIT}"
    assert urls[ForgeKind.GITEA][0] == f"https://forge.test/api/v1/repos/org/phase08-a%2Bb/statuses/{COMMIT}"
    assert urls[ForgeKind.GITLAB][0] == f"https://forge.test/api/v4/projects/org%2Fphase08-a%2Bb/statuses/{COMMIT}"
    assert [body["state"] for _, body in urls.values()] == ["failure", "failure", "failed"]
    assert urls[ForgeKind.GITLAB][1]["name"] == urls[ForgeKind.GITHUB][1]["context"] == "grader/toy-1"
    public = Forge("toy", ForgeKind.GITHUB, "https://github.com", "s", "the-token")
    assert request(public, status)[0].startswith("https://api.github.com/repos/org/")
    assert clone_url(public, "org/phase08-amy") == "https://github.com/org/phase08-amy.git"
    assert "the-token" not in repr([public, urls])
    assert basic_authorization("u", "t") == "Basic dTp0"
    assert basic_authorization("u", "") == ""


def test_pauses_double_are_bounded_and_respect_what_the_forge_asks_for() -> None:
    assert [pause(n) for n in (0, 1, 2)] == [5.0, 10.0, 20.0]
    assert pause(39) == LONGEST_PAUSE_S
    assert pause(0, 90.0) == 90.0


GOOD = """
[phase-08]
kind = "github"
url = "https://github.com/"
webhook_secret = "0123456789abcdef"
token = "t0ken"
repositories = "org/phase08-{login}"

[unit-9]
kind = "gitlab"
url = "http://git.school.example:3000/forge"
webhook_secret = "0123456789abcdefg"
token = "t0ken"
[unit-9.students]
"group/sub/amys-work" = "amy"
"""


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "forges.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(mode)
    return file


def test_a_file_of_forges_is_read(tmp_path: Path) -> None:
    found = read_forges(written(tmp_path, GOOD))
    assert found["phase-08"].url == "https://github.com"
    assert found["phase-08"].login_of("org/phase08-amy") == "amy"
    assert found["unit-9"].kind is ForgeKind.GITLAB
    assert found["unit-9"].login_of("group/sub/amys-work") == "amy"
    assert read_forges(written(tmp_path, "")) == {}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(BadSettings, match="chmod 600"):
        read_forges(written(tmp_path, GOOD, mode))


def test_every_problem_is_told_with_its_key_and_no_secret(tmp_path: Path) -> None:
    text = """
        ["Bad Name"]
        [a]
        kind = "gogs"
        url = "ftp://x"
        webhook_secret = "too-short-hush"
        token = "has a space hush"
        repositories = "org/{login}/{login}"
        tokn = "hush"
        [b]
        [b.students]
        "no-slash" = "amy"
        "org/../x" = "amy"
        "org/ok" = "not a login"
    """
    with pytest.raises(BadSettings) as caught:
        read_forges(written(tmp_path, text))
    told = caught.value.message
    for key in ("'Bad Name'", "a.kind", "a.url", "a.webhook_secret", "a.token", "a.repositories", "a.tokn: unknown",
                "b.kind", "b.url", "b.webhook_secret", "b.token", "b.students.no-slash", "b.students.org/../x",
                "b.students.org/ok"):  # fmt: skip
        assert f"\n  {key}" in told, key
    assert "hush" not in told


@pytest.mark.parametrize("text", ['[a]\ntoken = "hush\n', "\udc00", "x = 1\nx = 2", "[" * 3000, "\0"])
def test_what_is_no_toml_is_told_without_its_content(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, "")
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(BadSettings, match=r"not TOML|problem") as caught:
        read_forges(file)
    assert "hush" not in caught.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cannot be read"):
        read_forges(tmp_path / "none.toml")
