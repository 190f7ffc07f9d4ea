"""Logs: one JSON object a line for machines, colours for a person at a terminal."""

import logging
import sys

import structlog

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
    renderer = structlog.processors.JSONRenderer() if machine else structlog.dev.ConsoleRenderer()
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
    return [structlog.processors.format_exc_info] if machine else []
