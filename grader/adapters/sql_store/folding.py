"""Text in one case for comparisons, on each database alike: SQLite's own `lower` knows no letter beyond ASCII."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

#: What `prepare` calls it inside SQLite.
_NAME = "grader_lower"


class folded(FunctionElement[str]):
    """Its one argument in lower case."""

    type = String()
    inherit_cache = True


@compiles(folded)
def _lower(element: Any, compiler: Any, **how: Any) -> str:
    return f"lower({compiler.process(element.clauses, **how)})"


@compiles(folded, "sqlite")
def _own_lower(element: Any, compiler: Any, **how: Any) -> str:
    return f"{_NAME}({compiler.process(element.clauses, **how)})"


def prepare(connection: Any) -> None:
    """Teach a connection to SQLite."""
    connection.create_function(
        _NAME, 1, lambda value: value.lower() if isinstance(value, str) else value, deterministic=True
    )
