"""What students' repositories begin with, and how a change of the course reaches those who began before it."""

from grader.domain.errors import NotFound
from grader.ports.repositories import Repositories
from grader.steps.service import Service

#: How a student takes in what has changed.
TAKE_IN = "git pull --no-rebase origin course"


def give_out(service: Service, repositories: Repositories, slug: str) -> bool:
    """Give out the course's folder as it is now; whether other files were given out before.

    Raises NotFound, BadLab, and BadSettings where there is no git.
    """
    course = service.store.courses.course(slug)
    if course is None:
        raise NotFound("there is no such course")
    return repositories.give_out(slug, service.shelf(course.folder).students_copy(), service.clock())


def make(service: Service, repositories: Repositories, course: str, login: str) -> None:
    """Make somebody's repository, if this is its first use."""
    if not repositories.gives_out(course):
        give_out(service, repositories, course)
    repositories.ensure(course, login)
