"""What a spec is told of the past: every version of a file that one student, or their team, has handed in for a lab.

It ends with the submission that is graded, so a rerun of an old one is told what its first run was told.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from grader.domain.course import Handin
from grader.domain.lab import Lab
from grader.domain.run import Version
from grader.domain.submission import Submission
from grader.steps.service import Service

#: Submissions that are looked through, versions of one file that are told, characters of each. The oldest count: what a
#: spec holds somebody to must not be pushed out by handing in more.
MOST_SUBMISSIONS = 1_000
MOST_VERSIONS = 100
MOST_CHARACTERS = 16 * 1024


def history(service: Service, lab: Lab, handin: Handin) -> dict[str, tuple[Version, ...]]:
    """Of each file in the lab's history its versions, oldest first; nothing said twice in a row."""
    if not lab.history:
        return {}
    standings = service.store.standings
    grouped = standings.rules(handin.course).of(handin.lab).groups
    team = standings.team(handin.course, handin.person_id) if grouped else [handin.person_id]
    told: dict[str, list[Version]] = {name: [] for name in lab.history}
    for at, files in service.store.submissions.until(handin, team, MOST_SUBMISSIONS):
        for name, version in versions(lab, files, at).items():
            new = not told[name] or told[name][-1].text != version.text
            if new and len(told[name]) < MOST_VERSIONS:
                told[name].append(version)
    return {name: tuple(found) for name, found in told.items()}


def versions(lab: Lab, files: Submission, at: float) -> Mapping[str, Version]:
    """The files of the lab's history in one submission, handed in at `at`."""
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    return {
        name: Version(moment, files.files[name].decode("utf-8-sig", "replace")[:MOST_CHARACTERS])
        for name in lab.history
        if name in files.files
    }
