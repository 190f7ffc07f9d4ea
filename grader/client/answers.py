"""What a grader's API answers, made safe to show, and its refusals as errors of ours."""

from collections.abc import Mapping
from typing import Any

import httpx

from grader.domain.errors import Fault, GraderError
from grader.domain.text import clean, clean_line

TEXT_CHARACTERS = 200_000
_OVERLOADED = (502, 503, 504)
_WORDS = {
    401: "this grader does not know you: the token is wrong, expired or revoked",
    403: "you have no right to do this",
    404: "there is no such thing here, or you may not see it",
    413: "this is too large for the grader",
    429: "that was too often in a short time",
}


class Unreachable(GraderError):
    """The grader does not answer."""

    default_fault = Fault.OPERATOR
    default_retried = True


class Declined(GraderError):
    """The grader answered no; `status` is HTTP's."""

    default_fault = Fault.STUDENT

    def __init__(self, status: int, message: str, advice: str, fault: Fault, retried: bool) -> None:
        super().__init__(message, advice)
        self.status = status
        self.fault = fault
        self.retried = retried


class Incomprehensible(GraderError):
    """What answers there is no grader, or one of another version."""

    default_fault = Fault.STUDENT  # whoever chose the address

    def __init__(self, server: str) -> None:
        super().__init__(
            f"what answers at {server} does not speak like a grader of this version",
            "check the address, and install the version of grader that the course names",
        )


def overloaded(response: httpx.Response) -> bool:
    """Whether a proxy or the grader itself says that it is not there just now."""
    return response.status_code in _OVERLOADED


def content(response: httpx.Response, server: str) -> Any:
    """The JSON in an answer, every text in it clean. Raises Declined, Incomprehensible, Unreachable."""
    data = _read(response)
    if response.is_success and data is not None:
        return data
    raise refusal(response, server)


def _read(response: httpx.Response) -> Any:
    """The clean JSON, None where it is none."""
    try:
        return cleaned(response.json())
    except (ValueError, RecursionError):
        return None


def refusal(response: httpx.Response, server: str) -> GraderError:
    """The error that an answer without the wanted content stands for; its body has been read."""
    if response.has_redirect_location:
        return _moved(response, server)
    return _declined(response.status_code, _read(response), server)


def _moved(response: httpx.Response, server: str) -> Declined:
    """A token is never carried along to where a redirect leads."""
    target = clean_line(response.headers.get("location", ""), 300)
    return Declined(
        response.status_code, f"{server} sends us on to {target}", "log in there", Fault.STUDENT, retried=False
    )


def _declined(status: int, data: object, server: str) -> GraderError:
    error = data.get("error") if isinstance(data, dict) else None
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        told = error.get("advice")
        advice = _advice(status, told if isinstance(told, str) else "", server)
        return Declined(status, error["message"], advice, _fault(status, error), bool(error.get("retried")))
    if status in _OVERLOADED:
        return Unreachable(f"the grader at {server} is not available (HTTP {status})", "try again in a minute")
    if status in _WORDS:
        return Declined(status, _WORDS[status], _advice(status, "", server), Fault.STUDENT, retried=False)
    if status >= 500:
        return Declined(status, f"the grader at {server} failed (HTTP {status})", "", Fault.US, retried=True)
    return Incomprehensible(server)


def _advice(status: int, told: str, server: str) -> str:
    return f"log in again: grader login {server}" if status == 401 else told


def _fault(status: int, error: Mapping[str, Any]) -> Fault:
    try:
        return Fault(str(error.get("fault")))
    except ValueError:
        return Fault.US if status >= 500 else Fault.STUDENT


def cleaned(value: Any) -> Any:
    """`value` with every text in it, keys included, safe to print. Raises RecursionError if nested too deep."""
    if isinstance(value, str):
        return clean(value, TEXT_CHARACTERS)
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean_line(str(key), 300): cleaned(item) for key, item in value.items()}
    return value
