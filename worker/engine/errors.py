"""Why nothing was measured."""


class EngineError(Exception):
    """An engine did not load or did not answer: the operator's fault or ours, never the student's."""


class BadQuestion(Exception):
    """What a spec asked for makes no sense: the lab's author's fault."""


class Stopped(Exception):
    """Whoever asked wants no answer any more, or not this late."""
