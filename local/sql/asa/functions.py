"""The scalar functions of Stream Analytics: what each takes, and what it computes.

Unless it says otherwise, a function of NULL is NULL. Source: the page of each at
https://learn.microsoft.com/stream-analytics-query/built-in-functions-azure-stream-analytics; where a page is silent,
the T-SQL function of the same name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from local.sql.asa import dates, json_text, mathematics, texts
from local.sql.asa.comparisons import equal
from local.sql.asa.conversions import anything, array, bigint, datetime, number, real, record, text
from local.sql.asa.values import TYPE_NAMES, field

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    Attributes:
        name: As the documentation writes it.
        takes: What each argument is converted by.
        apply: What it computes; raises `Mismatch` or `mathematics.Undefined` where the service would stop the job.
        optional: How many of the last arguments may be left out.
        repeats: Whether the last argument may be given any number of times.
        sees_null: Whether `apply` is called although an argument is NULL.
        part: Whether the first argument is the name of a part of a date (in `dates.PARTS`).
    """

    name: str
    takes: tuple[Convert, ...]
    apply: Callable[..., Any]
    optional: int = 0
    repeats: bool = False
    sees_null: bool = False
    part: bool = False

    @property
    def arity(self) -> str:
        """How many arguments it takes, in words."""
        most = len(self.takes)
        least = most - self.optional
        if self.repeats:
            return f"{least} or more arguments"
        if least == most:
            return f"{most} argument{'' if most == 1 else 's'}"
        return f"{least} to {most} arguments"

    def accepts(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        most = len(self.takes)
        return most - self.optional <= count and (self.repeats or count <= most)

    def convert(self, index: int) -> Convert:
        """What converts argument `index`."""
        return self.takes[min(index, len(self.takes) - 1)]


def _get_type(value: Any) -> str | None:
    return TYPE_NAMES[type(value)] if value is not None else None


def _element(values: list[Any], index: int) -> Any:
    return values[index] if 0 <= index < len(values) else None


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _null_if(value: Any, other: Any) -> Any:
    return None if equal(value, other) is True else value


_ALL: Final = (
    Function("ABS", (number,), mathematics.absolute),
    Function("CEILING", (number,), mathematics.ceiling),
    Function("EXP", (real,), mathematics.exp),
    Function("FLOOR", (number,), mathematics.floor),
    Function("POWER", (number, number), mathematics.power),
    Function("ROUND", (number, bigint), mathematics.round_half_up),
    Function("SIGN", (number,), mathematics.sign),
    Function("SQRT", (real,), mathematics.sqrt),
    Function("SQUARE", (real,), mathematics.square),
    Function("CHARINDEX", (text, text, bigint), texts.charindex, optional=1),
    Function("CONCAT", (text, text), texts.concat, repeats=True, sees_null=True),
    Function("CONCAT_WS", (text, text, text), texts.concat_ws, repeats=True, sees_null=True),
    Function("JSON_PARSE", (anything,), json_text.parse_record),
    Function("LEFT", (text, bigint), texts.left),
    Function("LEN", (text,), texts.length),
    Function("LOWER", (text,), str.lower),
    Function("LTRIM", (text,), texts.ltrim),
    Function("NCHAR", (bigint,), texts.nchar),
    Function("PATINDEX", (text, text), texts.patindex),
    Function("REGEXMATCH", (text, text), texts.regexmatch),
    Function("REPLACE", (text, text, text), texts.replace),
    Function("REPLICATE", (text, bigint), texts.replicate),
    Function("REVERSE", (text,), texts.reverse),
    Function("RIGHT", (text, bigint), texts.right),
    Function("RTRIM", (text,), texts.rtrim),
    Function("SPACE", (bigint,), texts.space),
    Function("STUFF", (text, bigint, bigint, text), texts.stuff),
    Function("SUBSTRING", (text, bigint, bigint), texts.substring),
    Function("TRANSLATE", (text, text, text), texts.translate),
    Function("TRIM", (text,), texts.trim),
    Function("UNICODE", (text,), texts.unicode),
    Function("UPPER", (text,), str.upper),
    Function("DATEADD", (anything, number, datetime), dates.add, part=True),
    Function("DATEDIFF", (anything, datetime, datetime), dates.difference, part=True),
    Function("DATENAME", (anything, datetime), dates.name, part=True),
    Function("DATEPART", (anything, datetime), dates.part, part=True),
    Function("DATETIMEFROMPARTS", (bigint,) * 7, dates.from_parts),
    Function("DAY", (datetime,), lambda value: dates.part("day", value)),
    Function("MONTH", (datetime,), lambda value: dates.part("month", value)),
    Function("YEAR", (datetime,), lambda value: dates.part("year", value)),
    Function("GetArrayElement", (array, bigint), _element),
    Function("GetArrayLength", (array,), len),
    Function("GetRecordPropertyValue", (record, text), field),
    Function("GetType", (anything,), _get_type),
    Function("COALESCE", (anything, anything), _coalesce, repeats=True, sees_null=True),
    Function("NULLIF", (anything, anything), _null_if, sees_null=True),
)

FUNCTIONS: Final[dict[str, Function]] = {function.name.upper(): function for function in _ALL}
"""By name in upper case."""
