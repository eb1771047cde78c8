"""What the names in a part of a query stand for: which value of a row each source is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, Protocol

from local.sql.compiler import Evaluate
from local.sql.cosmos import tree
from local.sql.cosmos.aggregates import AGGREGATES
from local.sql.cosmos.errors import InvalidQuery, UnresolvedIdentifier

Definitions = tuple[tuple[str, str], ...]
"""(name, query) of each computed property of a container."""


class Names(Protocol):
    """What the compiler of expressions asks."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Values by name, with the `@`."""

    @property
    def now(self) -> int:
        """The instant of the query, for the functions that answer with it."""

    def source(self, name: str) -> Evaluate:
        """The closure that reads source `name` from a row; raises `UnresolvedIdentifier`."""

    def computed(self, name: str) -> Mapping[str, Evaluate]:
        """The properties that source `name` has without keeping them: a document's, by what its container computes."""

    def special(self, node: tree.Expression) -> Evaluate | None:
        """The closure of an expression that means something of its own here (an aggregate); None for all others."""

    def rows_scope(self) -> Scope:
        """The scope that a subquery here is in; raises `SqlError` where there can be none."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The sources of a query, and of those it is nested in.

    Attributes:
        names: the place of each source in a row.
        width: how many values a row has.
        bare: rows are no tuples: each is the only source itself.
        unbound: no source is there yet, so that the first name of FROM is the container, whatever it is.
        paths: where in the document a source is, for those that are one place in it.
        properties: the computed properties of documents: closures from a document to a value.
    """

    parameters: Mapping[str, Any]
    now: int
    names: Mapping[str, int] = field(default_factory=dict)
    width: int = 0
    bare: bool = False
    unbound: bool = False
    paths: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    properties: Mapping[str, Evaluate] = field(default_factory=dict)

    def source(self, name: str) -> Evaluate:
        if name not in self.names:
            raise UnresolvedIdentifier(name)
        return itself if self.bare else itemgetter(self.names[name])

    def computed(self, name: str) -> Mapping[str, Evaluate]:
        return self.properties if self.paths.get(name) == () else {}

    def special(self, node: tree.Expression) -> Evaluate | None:
        if isinstance(node, tree.Call) and node.name in AGGREGATES:
            raise InvalidQuery(f"Aggregate function {node.name} is only allowed in the SELECT list.")
        return None

    def rows_scope(self) -> Scope:
        return self

    def opened(self) -> Scope:
        """The scope of the rows that `opener` makes."""
        return replace(self, bare=False, width=1) if self.bare else self

    def opener(self) -> Evaluate:
        """The closure from a row of this scope to a tuple that more sources can be added to."""
        return _as_tuple if self.bare else itself

    def bound(self, name: str | None, path: tuple[str | int, ...] | None) -> Scope:
        """This scope with one more source, the last value of its rows."""
        names = self.names if name is None else {**self.names, name: self.width}
        paths = {known: at for known, at in self.paths.items() if known != name}
        if name is not None and path is not None:
            paths[name] = path
        return replace(self, names=names, width=self.width + 1, unbound=False, paths=paths)


def itself(row: Any) -> Any:
    """The row."""
    return row


def _as_tuple(row: Any) -> Any:
    return (row,)
