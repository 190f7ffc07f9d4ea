"""What a program that was started to try a sandbox says first."""

from worker.sandbox import Running


def first_word(process: Running, seconds: float, *, started: str, ended: str) -> str:
    """`ready`, or in words why that was not said within `seconds`; then the process is killed.

    `started` and `ended` are what to call it where it says nothing, and where it ends without a word.
    """
    try:
        line = process.read_line(seconds)
    except TimeoutError:
        return f"{started} started but said nothing within {seconds:.0f} s"
    if line == b"ready":
        return "ready"
    process.kill()
    return process.stderr_tail().strip() or f"{ended} ended without a word"
