"""What can be wrong with a Stream Analytics query. Every message starts with where: `query.asaql:12:9: ...`.

AsaError
├── QueryError              before an event is read: the query cannot run
│   ├── QuerySyntaxError    the text does not parse
│   ├── NotStreamAnalytics  no such function or construct in the language
│   ├── NotRunLocally       Azure Stream Analytics has it, this engine does not
│   ├── UnknownName         an input, a step, an output or an alias that nothing defines
│   ├── WrongArguments      a function called with arguments that it does not take
│   └── InvalidQuery        it parses, and breaks a rule (grouping, the bound of a join, ...)
└── EvaluationError         while events are read: what stops a job in Azure, such as a CAST that fails
"""

from __future__ import annotations

from local.sql.tree import Position

__all__ = [
    "AsaError", "EvaluationError", "InvalidQuery", "NotRunLocally", "NotStreamAnalytics", "Position", "QueryError",
    "QuerySyntaxError", "UnknownName", "WrongArguments",
]  # fmt: skip


class AsaError(ValueError):
    """Something is wrong with a query, `at` a position of its text."""

    def __init__(self, at: Position, message: str) -> None:
        super().__init__(f"{at}: {message}")
        self.at = at


class QueryError(AsaError):
    """A query that cannot run; raised before an event is read."""


class QuerySyntaxError(QueryError):
    """The text does not parse."""


class NotStreamAnalytics(QueryError):
    """No such thing in the language; `instead` says what there is."""

    def __init__(self, at: Position, what: str, instead: str = "") -> None:
        super().__init__(at, f"{what} is not Stream Analytics" + (f": {instead}" if instead else ""))


class NotRunLocally(QueryError):
    """Azure Stream Analytics has it, this engine does not."""

    def __init__(self, at: Position, what: str) -> None:
        super().__init__(at, f"{what} is valid in Azure Stream Analytics but the local engine does not run it")


class UnknownName(QueryError):
    """An input, a step, an output or an alias that nothing defines."""


class WrongArguments(QueryError):
    """A function called with arguments that it does not take."""


class InvalidQuery(QueryError):
    """It parses, and breaks a rule of the language."""


class EvaluationError(AsaError):
    """What stops a job in Azure: the event at hand cannot be evaluated."""
