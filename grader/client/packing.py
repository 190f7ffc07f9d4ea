"""Makes what is at a path into one upload. Only the files that the lab is graded from leave this machine."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from grader.adapters.submission_files import SubmissionFiles
from grader.client.session import ChosenLab
from grader.domain.errors import Refused
from grader.domain.lab import Lab, LabLimits

_ALWAYS = (1980, 1, 1, 0, 0, 0)  # the same files make the same bytes


@dataclass(frozen=True)
class Packed:
    """One file to upload, and what is in it."""

    name: str
    data: bytes
    files: tuple[str, ...]


def pack(lab: ChosenLab, path: str) -> Packed:
    """The lab's files at `path`: a file, a folder, an archive; checked as the server will. Raises UnreadableSubmission.

    A lab of one file is uploaded as that file; otherwise a zip is made in memory.
    """
    files = SubmissionFiles(_described(lab)).read(path).files
    if len(files) == 1:
        [(name, data)] = files.items()
        if "/" not in name:
            return Packed(name, data, (name,))
    return Packed("submission.zip", _zipped(files), tuple(files))


def _zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _ALWAYS), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _described(lab: ChosenLab) -> Lab:
    """As much of the lab as reading needs. A server that asks for files from elsewhere is refused."""
    for file in lab.submission:
        if any(part in ("", ".", "..") for part in file.replace("\\", "/").split("/")) or "\0" in file or ":" in file:
            raise Refused(f"the grader asks for a file outside your folder: {file!r}", "tell your instructor")
    if not lab.submission:
        raise Refused(f"{lab.id} takes no files", "tell your instructor")
    return Lab(
        id=lab.id,
        title=lab.title,
        order=1,
        queue="cpu",
        isolation="split",
        submission=lab.submission,
        spec="test_lab.py",
        max_score=1,
        limits=LabLimits(10, 120, 512, 32, 16),
        false_fail_rate=1e-9,
        stochastic_checks=1,
        functions=MappingProxyType({}),
        tests=(),
        optional=lab.optional,
    )
