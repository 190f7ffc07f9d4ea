"""A run without a report, and whose fault that was: nobody makes a verdict of it."""

from grader.domain.errors import Fault


class NoReport(Exception):
    """The run ended without a report; `fault` says through whom."""

    def __init__(self, fault: Fault, problem: str) -> None:
        super().__init__(problem)
        self.fault = fault
        self.problem = problem
