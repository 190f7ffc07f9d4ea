"""What is known of a lab's verdicts, and whether it still holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from grader.domain.calibration import Record, digests, read_record, stale
from grader.domain.course import Spec
from grader.domain.errors import BadManifest


@dataclass(frozen=True)
class Calibration:
    """`record` is None where there is none, or none that can be read; `doubts` say why it tells nothing of the lab."""

    record: Record | None
    doubts: tuple[str, ...]

    @property
    def holds(self) -> Record | None:
        """The record where it is about the lab as it is."""
        return None if self.doubts else self.record


def calibration_of(spec: Spec, text: str | None, environment: Mapping[str, str] | None = None) -> Calibration:
    """What the record `text` says of the lab under `spec`, graded in `environment` if that is known."""
    remedy = f"run `grader calibrate {short(spec.lab.id)}`"
    try:
        record = None if text is None else read_record(text)
    except BadManifest as error:
        return Calibration(None, (f"{error.message}: {remedy}",))
    reasons = stale(record, spec.lab.id, spec.digest, digests(spec.bundle), environment)
    if not reasons:
        return Calibration(record, ())
    return Calibration(record, (*reasons[:-1], f"{reasons[-1]}: {remedy}"))


def short(lab: str) -> str:
    """`lab-01` for `lab-01-ngram-spec-decode`: what commands take."""
    return "-".join(lab.split("-")[:2])
