"""Query texts as clients send them: compiled once per text and parameters, refused with the service's 400."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from local.cosmos.errors import BadRequest, InvalidQuery
from local.sql.cosmos.errors import SqlError
from local.sql.cosmos.scope import Definitions
from local.sql.cosmos.select import Select, compile_select
from local.sql.cosmos.values import is_deeper

MAXIMUM_CHARACTERS = 512 * 1024  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#sql-query-limits


def query(body: Any, computed: Definitions = ()) -> Select:
    """Compile the body of a query request: `{"query": text, "parameters": [{"name": "@x", "value": ...}]}`.

    Args:
        computed: the computed properties of the container.

    Raises:
        BadRequest: it is not such a body.
        InvalidQuery: the text does not compile.
    """
    if not isinstance(body, dict) or not isinstance(text := body.get("query"), str) or not text:
        raise BadRequest("The query body is invalid: it must be a JSON object with a non-empty string 'query'.")
    if len(text) > MAXIMUM_CHARACTERS:
        raise BadRequest(f"The query is longer than {MAXIMUM_CHARACTERS} characters.")
    parameters: dict[str, Any] = {}
    listed = body.get("parameters") or []
    for parameter in listed if isinstance(listed, list) else [None]:
        match parameter:
            case {"name": str(name), "value": value} if name.startswith("@"):
                if is_deeper(value):
                    raise BadRequest(f"The query parameter {name[:80]!r} is nested too deeply.")
                parameters[name] = value
            case _:
                raise BadRequest(
                    "The query parameters are invalid: each needs a 'name' that starts with @ and a 'value'."
                )
    return _statement(text, parameters, computed)


def condition(text: str, computed: Definitions = ()) -> Select:
    """Compile the condition of a patch, `from c where ...`; raises `InvalidQuery`."""
    return _statement(f"SELECT * {text}", {}, computed)


def _statement(text: str, parameters: dict[str, Any], computed: Definitions) -> Select:
    statement = _compiled(text, orjson.dumps(parameters), computed)
    return _compile(text, parameters, computed) if statement.is_timed else statement


@lru_cache(maxsize=256)
def _compiled(text: str, parameters: bytes, computed: Definitions) -> Select:
    return _compile(text, orjson.loads(parameters), computed)


def _compile(text: str, parameters: dict[str, Any], computed: Definitions) -> Select:
    try:
        return compile_select(text, parameters, computed)
    except SqlError as error:
        raise InvalidQuery(str(error), error.code) from None
