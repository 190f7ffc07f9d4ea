"""Reruns in the words that pages use."""

from grader.domain.rerun import NOT_PASSED, Direction, Fate, RerunState, Selection

#: word, CSS class
RERUN_STATES = {
    RerunState.RUNNING: ("being graded", "busy"),
    RerunState.READY: ("to be decided", "open"),
    RerunState.APPLIED: ("applied", "good"),
    RerunState.DISCARDED: ("discarded", "plain"),
    RerunState.REVERTED: ("reverted", "plain"),
    RerunState.CANCELLED: ("cancelled", "plain"),
}
#: mark, word, CSS class: as with verdicts, nothing shows by its colour alone.
DIRECTIONS = {
    Direction.UP: ("↑", "up", "good"),
    Direction.DOWN: ("↓", "down", "bad"),
    Direction.SAME: ("=", "unchanged", "wait"),
    Direction.UNSETTLED: ("?", "unsettled", "open"),
}
FATES = {
    Fate.KEPT: ("–", "kept, would go down", "open"),
    Fate.MOVED_ON: ("→", "graded anew since", "wait"),
    Fate.PENDING: ("·", "not graded yet", "wait"),
}


#: How a test ended, after its name.
_ENDED = {"": "ended", NOT_PASSED: "has not passed", "inconclusive": "was inconclusive", "missing": "was missing"}


def in_words(chosen: Selection) -> str:
    """Whom a selection chooses."""
    if chosen.submission_id:
        return "one submission"
    who = chosen.login or (f"everybody in section {chosen.section}" if chosen.section else "everybody")
    what = "the newest submission of" if chosen.newest or chosen.no_result else "what counts of"
    words = [f"{what} {who}"]
    if chosen.no_result:
        words.append("that never got a result")
    if chosen.test:
        ended = _ENDED.get(chosen.verdict) or chosen.verdict.replace("_", " ")
        words.append(f"whose {chosen.test} {ended}" + (f" for “{chosen.cause}”" if chosen.cause else ""))
    return " ".join(words)
