"""PARTITION BY: what a SELECT reads in partitions and what together, and that no rows meet which Azure keeps apart.

The partitions of an input (PartitionId) have each a timeline and operators of their own. Those by any other key are
Azure's to run side by side: here one set of operators has them all, and the result is the same as long as what is
grouped, joined or looked back at has the key in common. What does not is refused: how Azure spreads keys is its own.

Source: https://learn.microsoft.com/azure/stream-analytics/repartition, .../stream-analytics-parallelization,
https://learn.microsoft.com/stream-analytics-query/into-azure-stream-analytics ("INTO (Shard Count)")
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from local.sql.asa.errors import InvalidQuery, NotRunLocally, Position, QueryError
from local.sql.asa.expressions import compile_expression
from local.sql.asa.tree import Binary, Expression, Join, Literal, Path, Source
from local.stream_analytics.plan_join import conjuncts
from local.stream_analytics.plan_scope import RowScope, Slot

_FEWEST_SHARDS: Final = 2
"""INTO (Shard Count), "Limitations and Restrictions": it must be greater than 1."""


@dataclass(frozen=True)
class Stream:
    """Rows of one source: the place of the node that gives them, and their columns, if the query says which.

    Attributes:
        place: The place of the node.
        columns: The names of the columns; None when they are those of an input.
        metadata: Whether it is an input.
        partitions: How many partitions it has, each on its own; 0 when they are together.
        over: The keys of TIMESTAMP BY ... OVER, each of whose substreams is on its own.
    """

    place: int
    columns: tuple[str, ...] | None
    metadata: bool = False
    partitions: int = 0
    over: tuple[Expression, ...] = ()


def of_input_partitions(keys: Sequence[Expression]) -> bool:
    """Whether PARTITION BY is of an input's own partitions."""
    return len(keys) == 1 and is_partition(keys[0])


def is_partition(key: Expression) -> bool:
    """Whether a key is the column that says an event's partition."""
    return isinstance(key, Path) and key.names[-1].lower() == "partitionid"


def stay_apart(read: Sequence[tuple[Source, Stream]], *, meet: bool) -> bool:
    """Whether a SELECT runs on each partition of what it reads, and not on all of them together.

    Args:
        read: The streams that it reads.
        meet: Whether its rows depend on each other.

    Raises:
        QueryError: what it joins differs in PARTITION BY.
    """
    for source, _ in read:
        if source.shards is not None and _shards_said(source.shards) < _FEWEST_SHARDS:
            raise InvalidQuery(source.shards.at, f"PARTITION BY ... INTO takes a whole number from {_FEWEST_SHARDS} on")
    counts = {stream.partitions for _, stream in read}
    if len(read) == 1 and not read[0][0].partition:
        return counts != {0} and not meet
    if len(read) > 1:
        _check_alike(read)
    return 0 not in counts and len(counts) == 1 and all(of_input_partitions(source.partition) for source, _ in read)


def _check_alike(read: Sequence[tuple[Source, Stream]]) -> None:
    """The streams of a JOIN have as many keys and partitions, or none has PARTITION BY."""
    (first, stream), *others = read
    for source, other in others:
        if bool(source.partition) != bool(first.partition):
            missing = first if source.partition else source
            raise NotRunLocally(missing.at, f"a JOIN of {missing.known_as} without PARTITION BY, and others with it,")
        if len(source.partition) != len(first.partition):
            raise InvalidQuery(source.partition[0].at, "what is joined is partitioned by as many keys on either side")
        has, is_to_have = _shards(source, other), _shards(first, stream)
        if has and is_to_have and has != is_to_have:
            raise InvalidQuery(
                source.at,
                f"{source.known_as} has {has} partitions and {first.known_as} has {is_to_have}: "
                "a JOIN is of as many on either side; PARTITION BY ... INTO makes them so",
            )


def _shards_said(said: Literal) -> int:
    return said.value if type(said.value) is int else 0


def _shards(source: Source, stream: Stream) -> int:
    """How many partitions the query says or the hub has; 0 if that is for Azure to choose."""
    if source.shards is not None:
        return _shards_said(source.shards)
    return stream.partitions if of_input_partitions(source.partition) else 0


class Partitioning:
    """What the rows of a SELECT are partitioned by: for each key, all that is equal to it.

    Args:
        apart: Whether the SELECT runs on each partition: what it sees at once is then of one.
    """

    def __init__(self, *, apart: bool) -> None:
        self._apart = apart
        self._keys: list[tuple[Expression, set[Any]]] = []

    def start(self, source: Source, slot: Slot) -> None:
        """Take PARTITION BY of FROM.

        Raises:
            QueryError: it names what the source has not.
        """
        self._keys = [(key, {folded}) for key, folded in _folded(source, slot)]

    def join(self, join: Join, slot: Slot, joined: RowScope) -> None:
        """Take PARTITION BY of what is joined.

        Raises:
            QueryError: ON does not say that it is the same on either side.
        """
        equal = list(_equalities(join.on, joined))
        for (key, same), (own, folded) in zip(self._keys, _folded(join.source, slot), strict=True):
            if not any({folded, other} in equal for other in same):
                raise InvalidQuery(
                    own.at, f"ON is to have it equal to {_shown(key)}, by which the other side is partitioned"
                )
            # Of a LEFT JOIN's rows without a match it is null, whatever their partition.
            if not join.left:
                same.add(folded)

    def check(self, at: Position, what: str, keys: Collection[Any]) -> None:
        """Refuse what sees rows of several partitions.

        Args:
            at: Where it is.
            what: What it is.
            keys: What all rows that it sees at once have in common.

        Raises:
            NotRunLocally: that does not tell their partition.
        """
        for key, same in self._keys:
            if not self._apart and same.isdisjoint(keys):
                raise NotRunLocally(at, f"{what} without {_shown(key)}, by which the stream is partitioned,")


class Substreams:
    """What TIMESTAMP BY is OVER in the rows of a SELECT: for each key, all that is equal to it.

    Rows of several substreams never meet, as each has a time of its own: a query is to say so.

    Source: https://learn.microsoft.com/stream-analytics-query/timestamp-by-azure-stream-analytics ("Limitations")

    Args:
        source: FROM.
        slot: Where its rows are.
        over: The keys.
    """

    def __init__(self, source: Source, slot: Slot, over: Sequence[Expression]) -> None:
        self._of_input = bool(source.over)
        self._keys = [(key, {_column(key, source, slot)}) for key in over]

    def join(self, join: Join, slot: Slot, over: Sequence[Expression], joined: RowScope) -> None:
        """Take a stream that is joined, and what it is OVER.

        Raises:
            InvalidQuery: ON does not say that it is the same on either side.
        """
        equal = list(_equalities(join.on, joined))
        for (key, same), own in zip(self._keys, over, strict=False):  # others than as many are not run at all
            column = _column(own, join.source, slot)
            if not any({column, other} in equal for other in same):
                raise InvalidQuery(
                    join.at,
                    f"ON is to have {_shown(key)} equal, which TIMESTAMP BY is OVER: each has a time of its own",
                )
            if not join.left:
                same.add(column)

    def check(self, at: Position, keys: Collection[Any]) -> None:
        """Refuse a GROUP BY of `keys` at `at` that does not tell a row's substream.

        Raises:
            InvalidQuery: it does not.
        """
        for key, same in self._keys:
            if same.isdisjoint(keys):
                raise InvalidQuery(
                    key.at if self._of_input else at,
                    "what TIMESTAMP BY is OVER is to be in GROUP BY: each has a time of its own",
                )


def _column(key: Expression, source: Source, slot: Slot) -> Any:
    """What is equal for what says the same as a key of OVER; of a step, for the column of its name, or None."""
    if not source.over:
        columns = None if slot.columns is None else [column.lower() for column in slot.columns]
        if not isinstance(key, Path) or (columns is not None and key.names[-1].lower() not in columns):
            return None
        key = Path(key.at, (slot.name, key.names[-1]))
    return RowScope([slot]).key(key)


def _folded(source: Source, slot: Slot) -> Iterator[tuple[Expression, Any]]:
    scope = RowScope([slot])
    for key in source.partition:
        compile_expression(key, scope)
        yield key, scope.key(key)


def _equalities(on: Expression | None, joined: RowScope) -> Iterator[set[Any]]:
    """The pairs that ON says are equal."""
    for part in conjuncts(on) if on is not None else ():
        if isinstance(part, Binary) and part.sign == "=":
            with suppress(QueryError):  # DATEDIFF is of sources, which are no values
                yield {joined.key(part.left), joined.key(part.right)}


def _shown(key: Expression) -> str:
    return ".".join(key.names) if isinstance(key, Path) else "what is computed there"
