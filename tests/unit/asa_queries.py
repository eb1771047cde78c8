"""Run a query over events, for the tests of the query language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.sql.asa.values import to_json
from local.stream_analytics.files import IN_ANY_ORDER, evaluate
from local.stream_analytics.job import compile_job

Events = Sequence[dict[str, Any]]


def run(query: str, references: Mapping[str, Events] | None = None, /, **inputs: Events) -> dict[str, list[Any]]:
    """The rows of each output, as JSON has them."""
    job = compile_job(query, inputs=list(inputs), references=references, file="q.asaql", policies=IN_ANY_ORDER)
    return {name: [to_json(row) for row in rows] for name, rows in evaluate(job, inputs).items()}


def value(expression: str, event: dict[str, Any] | None = None, **columns: Any) -> Any:
    """What an expression is of one event."""
    (row,) = run(f"SELECT {expression} AS x FROM input", input=[event or columns])["output"]
    return row["x"]


def table(header: str, *rows: str) -> list[dict[str, Any]]:
    """Events written as the documentation writes them: a header and rows, with | between; numbers are numbers."""
    names = [name.strip() for name in header.split("|")]
    return [dict(zip(names, (_cell(cell.strip()) for cell in row.split("|")), strict=True)) for row in rows]


def _cell(text: str) -> Any:
    if text.startswith('"'):
        return text.strip('"')
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return text
