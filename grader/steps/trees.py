"""What a commit in a student's repository holds for a lab."""

from grader.domain.course import CourseLab
from grader.domain.submission import Submission
from grader.ports.repositories import Commits
from grader.steps.service import Service
from grader.steps.viewing import the_spec


def files_in(service: Service, commits: Commits, lab: CourseLab, commit: str) -> Submission | None:
    """Those of a lab's submission files that a commit holds; None where it has none. Raises UnreadableSubmission.

    Some may be missing: the repository may be older than the lab's last change.
    """
    place = the_spec(service, lab.spec_digest).lab_path
    paths = {f"{place}/{name}": name for name in lab.submission}
    found = commits.read(commit, list(paths)).files
    return Submission({paths[path]: data for path, data in found.items()}) if found else None


def is_starter(service: Service, commits: Commits, lab: CourseLab, files: Submission) -> bool:
    """Whether these are the lab's files as the course gave them out: at the beginning, or as it does now."""
    for commit in dict.fromkeys((commits.first(), commits.given())):
        given = files_in(service, commits, lab, commit) if commit else None
        if given is not None and given.digest == files.digest:
            return True
    return False
