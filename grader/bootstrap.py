"""The one place that turns settings into real adapters, and the only one in `grader` that knows the worker."""

from collections.abc import Mapping
from typing import Any

from grader.adapters.lab_folder import CourseFolder
from grader.adapters.submission_files import SubmissionFiles
from grader.domain.errors import GradingFailed, NoSandbox
from grader.domain.job import Assignment, OnEvent, RunResult
from grader.domain.lab import Lab
from grader.domain.submission import Submission, derive_seed
from grader.ports import LabFolder, LabShelf
from grader.settings import Settings
from worker import supervisor
from worker.sandbox import Probe, Sandbox, SandboxError
from worker.sandbox.kinds import choose, docker_sandbox, probes


class SandboxRunner:
    """Runner and rehearsals over one sandbox of this machine."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def name(self) -> str:
        """The sandbox's name."""
        return self._sandbox.name

    def run(self, assignment: Assignment, on_event: OnEvent) -> RunResult:
        """See `Runner`."""
        return supervisor.run(assignment, self._sandbox, on_event)

    def rehearse(self, folder: LabFolder, files: Mapping[str, bytes], seeds: list[int], on_event: OnEvent) -> Any:
        """The course's own answers over `seeds`: the `rehearsed` event. Raises GradingFailed."""
        try:
            return supervisor.rehearse(folder.path, folder.lab.spec, files, seeds, self._sandbox, on_event)
        except supervisor.NoReport as missing:
            raise GradingFailed(missing.fault, missing.problem) from None
        except SandboxError as error:
            raise NoSandbox(str(error), error.fix) from None


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
        try:
            return SandboxRunner(choose(sandbox or self.settings.sandbox, self.settings.docker_runtime))
        except SandboxError as error:
            raise NoSandbox(str(error), error.fix) from None

    def probes(self) -> list[Probe]:
        """What each sandbox says of this machine."""
        return probes(self.settings.docker_runtime)

    def build_image(self) -> None:
        """Build the Docker sandbox's image. Raises NoSandbox."""
        try:
            docker_sandbox(self.settings.docker_runtime).build_image()
        except SandboxError as error:
            raise NoSandbox(str(error), error.fix) from None
