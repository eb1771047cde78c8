"""The functions a query may call, by name."""

from local.sql.cosmos.functions.old import FUNCTIONS, check_arguments

__all__ = ["FUNCTIONS", "NOT_EVALUATED", "check_arguments"]

NOT_EVALUATED: frozenset[str] = frozenset()
