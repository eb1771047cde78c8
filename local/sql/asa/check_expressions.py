"""What must hold of an expression before an event is read: functions, their arguments, and what may stand where.

Every node is visited, and what is not known to be allowed at its place is refused by its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from local.sql.asa import catalog, tree
from local.sql.asa.comparisons import COMPARE
from local.sql.asa.dates import PARTS
from local.sql.asa.durations import UNITS, duration_of
from local.sql.asa.errors import InvalidQuery, NotRunLocally, NotStreamAnalytics, WrongArguments
from local.sql.asa.functions import FUNCTIONS


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression is, and which calls of time may be in it (`window`: of the identity of the window).

    `timed` says whether the event has its time there already.
    """

    name: str
    aggregates: bool = False
    analytic: bool = False
    window: bool = False
    timed: bool = True


def is_condition(node: tree.Expression) -> bool:
    """Whether a node is true, false or unknown, rather than a value."""
    if isinstance(node, tree.Binary):
        return node.sign in COMPARE
    return isinstance(node, tree.Connective | tree.Not | tree.IsNull | tree.Like | tree.In | tree.Between)


def check_condition(node: tree.Expression, place: Place) -> None:
    """Raise unless `node` is a condition that may stand at `place`."""
    if not is_condition(node):
        raise InvalidQuery(
            node.at, f"{place.name} takes a condition, not a value: compare it with something, as in x = 1"
        )
    match node:
        case tree.Connective(operands=operands):
            for operand in operands:
                check_condition(operand, place)
        case tree.Not(operand=operand):
            check_condition(operand, place)
        case tree.Binary(left=left, right=right):
            _values((left, right), place)
        case tree.IsNull(operand=operand):
            check_value(operand, place)
        case tree.Like(operand=operand, pattern=pattern):
            _values((operand, pattern), place)
        case tree.In(operand=operand, choices=choices):
            _values((operand, *choices), place)
        case tree.Between(operand=operand, low=low, high=high):
            _values((operand, low, high), place)


def _values(nodes: Iterable[tree.Expression], place: Place) -> None:
    for node in nodes:
        check_value(node, place)


def check_value(node: tree.Expression, place: Place) -> None:
    """Raise unless `node` is a value that may stand at `place`."""
    if is_condition(node):
        raise InvalidQuery(node.at, "a condition is no value: CASE WHEN ... THEN 1 ELSE 0 END makes one of it")
    match node:
        case tree.Literal():
            pass
        case tree.Path(names=names):
            if len(names) == 1 and names[0].upper() in ("TRUE", "FALSE"):
                raise NotStreamAnalytics(node.at, names[0].upper(), "a bit is 1 or 0, as in x = 1 or CAST(1 AS bit)")
        case tree.Member(base=base):
            check_value(base, place)
        case tree.Unary(operand=operand) | tree.Cast(operand=operand):
            check_value(operand, place)
        case tree.Binary(left=left, right=right):
            _values((left, right), place)
        case tree.Case():
            _case(node, place)
        case tree.Call():
            _call(node, place)
        case _:
            raise AssertionError(f"{type(node).__name__} is no node of this language")


def _case(node: tree.Case, place: Place) -> None:
    if node.operand is not None:
        check_value(node.operand, place)
    for when, then in node.branches:
        (check_condition if node.operand is None else check_value)(when, replace(place, name="WHEN"))
        check_value(then, place)
    if node.default is not None:
        check_value(node.default, place)


def _known(call: tree.Call) -> None:
    """Refuse a call of what does not exist, or is not run."""
    upper = call.name.upper()
    if catalog.known(upper):
        return
    if upper in catalog.NOT_RUN or upper.startswith(catalog.PREFIXES_NOT_RUN):
        raise NotRunLocally(call.at, f"{call.name}()")
    last = upper.rpartition(".")[2]
    if last != upper and catalog.known(last):
        raise NotStreamAnalytics(call.at, f"{call.name}()", f"{call.name.rpartition('.')[2]}() takes no prefix")
    raise NotStreamAnalytics(call.at, f"{call.name}()", catalog.INSTEAD.get(last, ""))


def check_rows_call(call: tree.Call) -> None:
    """Raise unless `call` is one that APPLY takes."""
    if call.name.upper() not in catalog.ROWS:
        _known(call)
        raise InvalidQuery(call.at, f"APPLY takes GetArrayElements() and GetRecordProperties(), not {call.name}()")
    _plain(call)
    _count(call, 1, 1)
    check_value(call.arguments[0], Place("APPLY"))


def _call(call: tree.Call, place: Place) -> None:
    upper = call.name.upper()
    _known(call)
    if catalog.is_aggregate(call):
        _aggregate(call, place)
    elif catalog.looks_back(call):
        _analytic(call, place)
    elif upper in catalog.WINDOWS or upper == catalog.SEVERAL:
        raise InvalidQuery(call.at, f"{call.name}() is of GROUP BY, and stands there alone")
    elif upper in catalog.ROWS:
        raise InvalidQuery(call.at, f"{call.name}() gives rows: it is for CROSS APPLY and OUTER APPLY")
    elif upper == catalog.IDENTIFIED:
        raise InvalidQuery(call.at, f"{call.name}() is of Windows(): it names one of them")
    elif upper in (catalog.TIMESTAMP, catalog.WINDOW):
        _plain(call)
        _count(call, 0, 0)
        if upper == catalog.TIMESTAMP and not place.timed:
            raise InvalidQuery(call.at, f"{call.name}() is what {place.name} gives: it cannot be taken from there")
        if upper == catalog.WINDOW and not place.window:
            raise InvalidQuery(call.at, f"{call.name}() is of the SELECT list, and {place.name} has none")
    elif upper == catalog.METADATA:
        _metadata(call)
    else:
        _scalar(call, place)


def _scalar(call: tree.Call, place: Place) -> None:
    function = FUNCTIONS[call.name.upper()]
    _plain(call)
    if not function.accepts(len(call.arguments)):
        raise WrongArguments(call.at, f"{call.name}() takes {function.arity}, not {len(call.arguments)}")
    if function.part:
        _date_part(call)
    _values(call.arguments[1 if function.part else 0 :], place)


def _date_part(call: tree.Call) -> None:
    named = call.arguments[0]
    if not isinstance(named, tree.Path) or len(named.names) != 1 or named.names[0].lower() not in PARTS:
        parts = ", ".join(dict.fromkeys(PARTS.values()))
        raise WrongArguments(named.at, f"{call.name}() begins with a part of a date: {parts}")


def _metadata(call: tree.Call) -> None:
    _plain(call)
    _count(call, 2, 2)
    source, name = call.arguments
    if not isinstance(source, tree.Path) or len(source.names) != 1:
        raise WrongArguments(source.at, f"{call.name}() begins with the name of an input")
    if not isinstance(name, tree.Literal) or type(name.value) is not str:
        raise WrongArguments(
            name.at, f"{call.name}() takes the name of a property, as in '[EventHub].[SequenceNumber]'"
        )


def _aggregate(call: tree.Call, place: Place) -> None:
    upper = call.name.upper()
    if not place.aggregates:
        raise InvalidQuery(call.at, f"{call.name}() is an aggregate; {place.name} has none")
    if call.over is not None and (upper not in catalog.ORDERED or call.over.when):
        raise WrongArguments(call.over.at, f"{call.name}() OVER looks back for a time: LIMIT DURATION(unit, number)")
    if upper in catalog.ORDERED:
        if call.over is None or not call.over.order or call.over.partition:
            raise WrongArguments(call.at, f"{call.name}() takes OVER (ORDER BY ...)")
        for key, _ in call.over.order:
            check_value(key, Place(f"{call.name}()", analytic=place.analytic))
    if call.distinct and upper != "COUNT":
        raise NotStreamAnalytics(call.at, f"{call.name}(DISTINCT ...)", "COUNT(DISTINCT ...) is")
    if call.star and (upper != "COUNT" or call.arguments):
        raise WrongArguments(call.at, f"{call.name}() takes no *" + (" beside others" if upper == "COUNT" else ""))
    if not call.star:
        _count(call, *catalog.AGGREGATES[upper])
    if upper == "COLLECTTOP":
        number = call.arguments[0]
        if not isinstance(number, tree.Literal) or type(number.value) is not int or number.value < 1:
            raise WrongArguments(number.at, f"{call.name}() begins with a number of events, 1 or more")
    if upper in ("PERCENTILE_CONT", "PERCENTILE_DISC"):
        share = call.arguments[0]
        if not isinstance(share, tree.Literal) or not isinstance(share.value, int | float) or not 0 <= share.value <= 1:
            raise WrongArguments(share.at, f"{call.name}() takes a number from 0 to 1")
    _values(call.arguments, Place(f"{call.name}()", analytic=place.analytic))


def _analytic(call: tree.Call, place: Place) -> None:
    upper = call.name.upper()
    if place.name in ("ON", "APPLY"):
        raise NotRunLocally(call.at, f"{call.name}() in {place.name}")
    if not place.analytic:
        raise InvalidQuery(call.at, f"{call.name}() looks back at events; {place.name} cannot")
    if upper in catalog.MOVING_NOT_RUN:
        raise NotRunLocally(call.at, f"{call.name}() OVER (... LIMIT DURATION ...)")
    if upper in catalog.AGGREGATES and upper not in catalog.MOVING:
        instead = f"{', '.join(catalog.MOVING)} have it"
        raise NotStreamAnalytics(call.at, f"{call.name}() OVER (... LIMIT DURATION ...)", instead)
    over = call.over
    inside = Place(f"{call.name}()")
    if call.distinct or (call.star and upper not in catalog.STARRED):
        raise WrongArguments(call.at, f"{call.name}() takes no {'DISTINCT' if call.distinct else '*'}")
    least, most = catalog.ANALYTIC.get(upper) or catalog.AGGREGATES[upper]
    _count(call, least, most, given=len(call.arguments) + call.star)
    if over is not None and over.order:
        raise WrongArguments(over.at, f"{call.name}() takes no ORDER BY: events are in the order of their time")
    if upper == "ISFIRST":
        duration_of(call, call.arguments)
        if over is not None and over.limit is not None:
            raise WrongArguments(over.at, f"{call.name}() takes no LIMIT: it has its duration already")
    else:
        if over is None or over.limit is None:
            raise WrongArguments(call.at, f"{call.name}() takes OVER (LIMIT DURATION(unit, number))")
        _plain(over.limit)
        duration_of(over.limit, over.limit.arguments, UNITS)
        _values(call.arguments, inside)
    rest = call.arguments if call.star else call.arguments[1:]
    if upper == "LAG" and rest:
        offset = rest[0]
        if not isinstance(offset, tree.Literal) or type(offset.value) is not int or offset.value < 1:
            instead = "1 or more; LAST() begins with the event at hand"
            raise WrongArguments(offset.at, f"{call.name}() takes as offset a number of events, {instead}")
    if over is not None:
        _values(over.partition, inside)
        if over.when is not None:
            check_condition(over.when, Place("WHEN"))


def _plain(call: tree.Call) -> None:
    if call.over is not None:
        raise WrongArguments(call.over.at, f"{call.name}() takes no OVER")
    if call.distinct or call.star:
        raise WrongArguments(call.at, f"{call.name}() takes no {'DISTINCT' if call.distinct else '*'}")


def _count(call: tree.Call, least: int, most: int, given: int | None = None) -> None:
    given = len(call.arguments) if given is None else given
    if not least <= given <= most:
        shown = str(least) if least == most else f"{least} to {most}"
        raise WrongArguments(call.at, f"{call.name}() takes {shown} argument{'' if most == 1 else 's'}, not {given}")
