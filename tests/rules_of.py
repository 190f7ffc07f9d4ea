"""The rules of a course as its course.toml says them, for tests whose clock starts in January 1970."""

from datetime import UTC, datetime

DAY, HOUR = 86_400.0, 3_600.0


def course_toml(lab: str = "toy-1", *, top: str = "", **policy: object) -> str:
    """A course.toml with rules for one lab; opens, due and closes are seconds since 1970, the rest is TOML."""
    times = ("opens", "due", "closes")
    said = [f"{name} = {_iso(value) if name in times else value}" for name, value in policy.items()]
    return "\n".join([top, f"[labs.{lab}]", *said, ""])


def _iso(seconds: object) -> str:
    assert isinstance(seconds, float | int)
    return datetime.fromtimestamp(seconds, UTC).isoformat()
