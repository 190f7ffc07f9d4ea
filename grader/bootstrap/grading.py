"""Grading on this machine, without a service: what `grader grade` and the commands for lab authors need."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from grader.adapters.lab_folder import CourseFolder
from grader.adapters.submission_files import SubmissionFiles
from grader.domain.errors import GradingFailed, NoSandbox, Refused
from grader.domain.lab import Lab
from grader.domain.run import Assignment, OnEvent, RunResult
from grader.domain.submission import Submission, derive_seed
from grader.ports import LabFolder, LabShelf
from grader.settings import Settings
from worker import canary, measuring, rehearsing, supervisor
from worker.engine.checkup import Finding
from worker.sandbox import Probe, Sandbox, SandboxError, reaper
from worker.sandbox.kinds import choose, docker_sandbox, probes
from worker.settings import BadSettings
from worker.verdictless import NoReport


class SandboxRunner:
    """Runner and rehearsals over one sandbox of this machine."""

    def __init__(self, sandbox: Sandbox, engines: measuring.Measurer | None = None) -> None:
        self._sandbox = sandbox
        self._engines = engines

    @property
    def name(self) -> str:
        """The sandbox's name."""
        return self._sandbox.name

    def run(self, assignment: Assignment, on_event: OnEvent) -> RunResult:
        """See `Runner`."""
        result = supervisor.run(assignment, self._sandbox, on_event, measurer=self._engines)
        return canary.beside(assignment, result, self._sandbox, measurer=self._engines)

    def rehearse(self, folder: LabFolder, files: Mapping[str, bytes], seeds: list[int], on_event: OnEvent) -> Any:
        """The course's own answers over `seeds`: the `rehearsed` event. Raises GradingFailed, NoSandbox."""
        with in_our_words():
            return rehearsing.rehearse(folder.path, folder.lab.spec, files, seeds, self._sandbox, on_event)

    def calibrate(
        self, folder: LabFolder, files: Mapping[str, bytes], seeds: list[int], runs: int, on_event: OnEvent
    ) -> list[dict[str, Any]]:
        """Measure a lab: the `calibrated` events. Raises GradingFailed, NoSandbox."""
        with in_our_words():
            return rehearsing.calibrate(folder.path, folder.lab.spec, files, seeds, runs, self._sandbox, on_event)


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn what the worker says of a run without a result, or of what it lacks, into an error of ours."""
    try:
        yield
    except NoReport as missing:
        raise GradingFailed(missing.fault, missing.problem) from None
    except SandboxError as error:
        raise NoSandbox(str(error), error.fix) from None
    except BadSettings as error:
        raise Refused(str(error), "The settings are listed in README.md.") from None


class App:
    """Everything a command needs, built once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.shelf: LabShelf = CourseFolder(settings.course)

    def submission(self, lab: Lab, path: str) -> Submission:
        """What is at `path`, checked for `lab`. Raises UnreadableSubmission."""
        return SubmissionFiles(lab).read(path)

    def seed(self, submission: Submission, folder: LabFolder) -> int:
        """The seed this server gives this submission under this spec."""
        return derive_seed(self.settings.secret(), submission, folder.spec_digest())

    def runner(self, sandbox: str | None = None) -> SandboxRunner:
        """A runner over the sandbox chosen. Raises NoSandbox, which says what to do."""
        with in_our_words():
            chosen = choose(sandbox or self.settings.sandbox, self.settings.docker_runtime)
            return SandboxRunner(chosen, measuring.engines(self.settings.home))  # loads nothing before a spec asks

    def probes(self) -> list[Probe]:
        """What each sandbox says of this machine."""
        return probes(self.settings.docker_runtime)

    def engine(self) -> list[Finding]:
        """What this machine has of what its engine needs; empty where it is to have none. Raises Refused."""
        with in_our_words():
            return list(measuring.lacking(self.settings.home))

    def sweep(self) -> list[str]:
        """Remove what killed workers left on this machine; what that was."""
        return reaper.sweep()

    def build_image(self) -> None:
        """Build the Docker sandbox's image. Raises NoSandbox."""
        with in_our_words():
            docker_sandbox(self.settings.docker_runtime).build_image()
