"""Logs: one JSON object a line for machines, colours for a person at a terminal."""

import logging
import sys

import structlog

from grader.domain.text import clean, clean_line

#: Of one text in a log that a person reads.
CHARACTERS = 8_000
#: Libraries whose ordinary news nobody needs.
_QUIET = ("httpx", "httpcore", "celery", "kombu", "amqp", "alembic", "uvicorn.access")
_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(allow=("job", "attempt", "worker", "submission")),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(level: str = "INFO", as_json: bool | None = None) -> None:
    """Send everything to standard error; `as_json` None asks whether that is a terminal."""
    machine = not sys.stderr.isatty() if as_json is None else as_json
    renderer = (
        structlog.processors.JSONRenderer()
        if machine
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_tracebacks(machine), renderer]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=last, foreign_pre_chain=list(_SHARED)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _tracebacks(machine: bool) -> list[structlog.typing.Processor]:
    return [structlog.processors.format_exc_info] if machine else [structlog.processors.format_exc_info, _harmless]


def _harmless(logger: object, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A terminal does what it reads, and a line that begins anew looks like one of ours: so text is shown cleaned."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = clean(value, CHARACTERS) if key == "exception" else clean_line(value, CHARACTERS)
    return event
