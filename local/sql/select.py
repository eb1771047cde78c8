"""The compiled query of `local.sql.cosmos`, under the name it had before."""

from local.sql.cosmos.select import Ordering, Select, compare_key, compile_select

__all__ = ["Ordering", "Select", "compare_key", "compile_select"]
