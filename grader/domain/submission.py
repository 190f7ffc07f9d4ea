"""The files a student handed in at one moment: immutable, content-addressed, checked before anything is run."""

import hashlib
import hmac
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from grader.domain.errors import UnreadableSubmission
from grader.domain.lab import Lab
from grader.domain.text import clean_line

MAX_FILE_BYTES = 1024 * 1024
#: Above these a file counts byte by byte: nobody writes as much by hand, and splitting it into tokens takes seconds
#: (some Pythons copy the line for every token).
MAX_NORMALISED_BYTES = 256 * 1024
MAX_NORMALISED_LINE = 4_096
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LFS = b"version https://git-lfs.github.com/spec/"
#: A comment in one of the first two lines in which a file names its own encoding, wherever a reader sees a line end.
_DECLARED = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.DOTALL)
_LINE_ENDS = (rb"\n", rb"\r\n?|\n")
_PLAIN = re.compile(rb"utf[-_]?8([-_]sig)?|(us[-_])?ascii", re.IGNORECASE)
#: Tokens that say nothing about what a program does, and those whose text is layout only.
_LAYOUT = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING)
_SHAPE = (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE, tokenize.ENDMARKER)


@dataclass(frozen=True)
class Submission:
    """Contents by path; paths are relative to the lab's folder, with / between folders."""

    files: Mapping[str, bytes]

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", MappingProxyType(dict(self.files)))

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """The content address: SHA-256 in hex over every path and every byte."""
        return content_address(self.files)

    @cached_property
    def normalised_digest(self) -> str:
        """As `digest`, but comments, blank lines, trailing space and the width of indentation of .py files don't count.

        A file that is too large, or that Python cannot split into tokens, counts byte by byte. Tokens are those of
        the running Python: another minor version may give another digest.
        """
        return content_address({path: _normalised(path, data) for path, data in self.files.items()})


def content_address(files: Mapping[str, bytes]) -> str:
    """SHA-256 in hex over (path, length, bytes), in the order of the paths."""
    address = hashlib.sha256()
    for path, data in sorted(files.items()):
        name = path.encode("utf-8", "surrogatepass")
        address.update(b"%d:%s%d:" % (len(name), name, len(data)))
        address.update(data)
    return address.hexdigest()


def derive_seed(secret: bytes, submission: Submission, spec_digest: str) -> int:
    """The seed of a run's inputs, 0 … 2**63 - 1: the same for the same program and spec, a secret to everyone else.

    Raises ValueError for an empty secret, with which anyone could work out the inputs.
    """
    if not secret:
        raise ValueError("the secret that inputs are derived from is empty")
    message = submission.normalised_digest.encode() + b"\0" + spec_digest.encode()
    return int.from_bytes(hmac.digest(secret, message, "sha256")[:8], "big") >> 1


def _normalised(path: str, data: bytes) -> bytes:
    if not path.endswith(".py") or len(data) > MAX_NORMALISED_BYTES:
        return data
    try:
        text = data.decode("utf-8-sig")
        return b"".join(_tokens(text))
    except (UnicodeError, tokenize.TokenError, SyntaxError):
        return data


def _tokens(text: str) -> Iterator[bytes]:
    """Each token that counts, with its length so that two never read as one. Raises SyntaxError, TokenError."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")  # where Python ends a line, and nowhere else
    if any(len(line) > MAX_NORMALISED_LINE for line in lines):
        raise SyntaxError
    for kind, word, *_ in tokenize.generate_tokens((f"{line}\n" for line in lines).__next__):
        if kind == tokenize.ERRORTOKEN:
            raise SyntaxError  # going on takes quadratic time over a long run of spaces
        if kind in _SHAPE:
            yield b"\n%d" % kind
        elif kind not in _LAYOUT:
            token = word.encode()
            yield b"\n%d %d %s" % (kind, len(token), token)


def check_files(files: Mapping[str, bytes], lab: Lab, beside: Sequence[str] = ()) -> None:
    """Check that `files` are what `lab` is graded from. Raises UnreadableSubmission at the first that is not.

    `beside` names other files that were seen where these were looked for; they help to say what went wrong.
    """
    for path in lab.submission:
        if path not in files:
            if path in lab.optional:
                continue
            raise missing_file(path, [name for name in (*files, *beside) if name not in lab.submission])
        if len(files[path]) > MAX_FILE_BYTES:
            raise too_large(path)
        problem, advice = _problem(path, files[path])
        if problem:
            raise UnreadableSubmission(f"{path} {problem}", advice)


def missing_file(path: str, found: Sequence[str]) -> UnreadableSubmission:
    """The refusal of a submission without `path`; `found` are the names that are there instead."""
    suffix = f".{path.rpartition('.')[2]}" if "." in path else ""
    likely = sorted(name for name in {*found} - {path} if name.endswith(suffix))
    shown = [_told_apart(name, path) for name in likely[:5]]
    if not shown:
        return UnreadableSubmission(f"there is no {path}, which this lab is graded from", f"hand in your {path}")
    if len(likely) > len(shown):
        names = f"{', '.join(shown)} and {len(likely) - len(shown)} more"
    else:
        names = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    return UnreadableSubmission(
        f"I found {names}, but this lab is graded from {path}",
        f"rename your file to {path}, or hand in the folder with it",
    )


def _told_apart(name: str, path: str) -> str:
    """`name` as it is shown, with its odd characters spelt out where it would look like `path`."""
    shown = clean_line(name, 60)
    alike = len(shown) == len(path) and all(a == b or not a.isascii() for a, b in zip(shown, path, strict=True))
    return clean_line(ascii(name), 120) if alike else shown


def too_large(name: str, limit: int = MAX_FILE_BYTES) -> UnreadableSubmission:
    """The refusal of something above a cap of `limit` bytes."""
    advice = "leave data and outputs out of it: code is much smaller"
    return UnreadableSubmission(f"{name} is larger than {limit // 1024**2} MB", advice)


def _problem(path: str, data: bytes) -> tuple[str, str]:
    """What is wrong with one file and what to do; two empty texts if nothing is."""
    if not data.strip(b" \t\r\n\f\v\xef\xbb\xbf"):
        return "is empty", "save it in your editor and hand it in again"
    again = "save it as UTF-8 in your editor and hand it in again"
    if data.startswith(_LFS):
        return "is a Git LFS pointer, not the file itself", "git lfs untrack it, and hand in the file itself"
    if data.startswith(_UTF16):
        return "is not a text file that Python reads: it is saved as UTF-16", again
    if b"\0" in data:
        return (
            f"is not a text file: byte {data.index(0) + 1} is NUL",
            "hand in the source you wrote, not a compiled file",
        )
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return f"is not a text file in UTF-8: line {line} has a byte 0x{data[error.start]:02x}", again
    other = _other_encoding(data) if path.endswith(".py") else ""
    return (f"says that it is written in {other}", "remove that line: the file is UTF-8 already") if other else ("", "")


def _other_encoding(data: bytes) -> str:
    """The encoding that Python would read these bytes in, if it is another one than ours; else empty.

    In another one (unicode_escape, utf-7) a comment can be a line of the program: it would run what nobody can read,
    and `normalised_digest` would be that of another program.
    """
    for end in _LINE_ENDS:
        for line in re.split(end, data.removeprefix(b"\xef\xbb\xbf"), maxsplit=2)[:2]:
            found = _DECLARED.match(line)
            if found and not _PLAIN.fullmatch(found[1]):
                return clean_line(found[1].decode("ascii", "replace"), 40)
    return ""
