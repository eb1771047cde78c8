"""What can be wrong with a query.

SqlError
├── QuerySyntaxError      the text does not parse
├── UnresolvedIdentifier  a name that no FROM source or parameter has
├── UnknownFunction       a function that does not exist
├── WrongArguments        a function called with the wrong number of arguments
├── InvalidQuery          it parses, and means nothing the service would run
├── UnsupportedConstruct  the service has it, this engine does not
└── EvaluationError       while documents are read: what it asks of one takes too much
"""

from __future__ import annotations


class SqlError(ValueError):
    """A query that cannot be compiled, or run. `code` is the one Cosmos DB reports for the same mistake."""

    code = "SC1001"


class QuerySyntaxError(SqlError):
    """The text does not parse; `near` is the token where it stopped making sense."""

    def __init__(self, near: str, why: str) -> None:
        super().__init__(f"Syntax error, incorrect syntax near '{near}'. {why[:1].upper()}{why[1:]}.")
        self.near = near


class UnresolvedIdentifier(SqlError):
    """A name that no FROM source or parameter has."""

    code = "SC2001"

    def __init__(self, name: str) -> None:
        super().__init__(f"Identifier '{name}' could not be resolved.")
        self.name = name


class UnknownFunction(SqlError):
    """A function that does not exist."""

    code = "SC2005"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' is not a recognized built-in function name.")
        self.name = name


class WrongArguments(SqlError):
    """A function called with the wrong number of arguments."""

    code = "SC2050"

    def __init__(self, name: str, least: int, most: int) -> None:
        wanted = str(least) if least == most else f"{least} to {most}"
        super().__init__(f"The {name} function requires {wanted} argument(s).")


class InvalidQuery(SqlError):
    """It parses, and means nothing the service would run."""

    code = "SC2100"


class UnsupportedConstruct(SqlError):
    """The service has it, this engine does not; `construct` is its name in the language."""

    code = "SC1010"

    def __init__(self, construct: str) -> None:
        super().__init__(f"Unsupported query construct: {construct}. The local service does not evaluate it.")
        self.construct = construct


class EvaluationError(SqlError):
    """What it asks of a document takes too much; raised by what a query compiled to."""
