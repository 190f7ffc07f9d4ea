"""Templates and static files: autoescape is always on, and a name that is not given is an error, not an empty text."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grader.steps import notices
from grader.web.pages import pictures, rerun_wording, wording

_HERE = Path(__file__).parent
#: Of each static file a mark that changes when it does, so that browsers may keep it.
_MARKS: Mapping[str, str] = {
    file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:10] for file in sorted((_HERE / "static").iterdir())
}


def static_url(name: str) -> str:
    """Where a static file is. Raises KeyError for one that there is not."""
    return f"/static/{name}?v={_MARKS[name]}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        wording.moment,
        wording.iso,
        wording.duration,
        wording.count,
        wording.large,
        wording.turn,
        wording.ending,
        wording.plain,
        wording.why_not,
        rerun_wording.in_words,
        notices.change,
    ):
        environment.globals[function.__name__] = function
    environment.globals.update(
        static_url=static_url, meter=pictures.meter, trail=pictures.trail, STATES=wording.STATES, LANES=wording.LANES,
        WHOSE=wording.WHOSE, RERUN_STATES=rerun_wording.RERUN_STATES, DIRECTIONS=rerun_wording.DIRECTIONS,
        FATES=rerun_wording.FATES,
    )  # fmt: skip
    return environment


_ENVIRONMENT = _environment()


def render(template: str, **context: Any) -> str:
    """The page as text."""
    return _ENVIRONMENT.get_template(template).render(**context)
