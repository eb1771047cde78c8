"""The clauses of a query: text in, one tree out. Nothing in it is skipped: what may not stand there is named.

The grammar is the one that the .NET SDK publishes (sql.g4 of Azure/azure-cosmos-dotnet-v3), with what the
documentation adds: aliases without AS, JOIN over paths, names of object members without quotes.
"""

from __future__ import annotations

from typing import Final

from local.sql.cosmos import tree
from local.sql.cosmos.errors import QuerySyntaxError, UnsupportedConstruct
from local.sql.cosmos.grammar_expressions import Expressions
from local.sql.cosmos.tokens import Cursor, Kind

_MOST_NESTED: Final = 100  # levels: closures call each other, and Python's stack has a thousand frames


class _Grammar(Expressions):
    def __init__(self, text: str) -> None:
        super().__init__(Cursor(text))

    def program(self) -> tree.Query:
        query = self.query()
        if self.cursor.token.kind is not Kind.END:
            raise self.cursor.wrong()
        return query

    def query(self) -> tree.Query:
        cursor = self.cursor
        cursor.expect("SELECT")
        distinct = cursor.take("DISTINCT")
        top = self._count() if cursor.take("TOP") else None
        value, items = self._selection()
        sources = self._sources() if cursor.take("FROM") else ()
        where = self.expression() if cursor.take("WHERE") else None
        groups = self.listed() if self._clause("GROUP") else ()
        orders = self._orders() if self._clause("ORDER") else ()
        offset = limit = None
        if cursor.take("OFFSET"):
            offset = self._count()
            cursor.expect("LIMIT")
            limit = self._count()
        return tree.Query(distinct, top, value, items, sources, where, groups, orders, offset, limit)

    def _clause(self, word: str) -> bool:
        if not self.cursor.take(word):
            return False
        self.cursor.expect("BY")
        return True

    def _count(self) -> tree.Expression:
        token = self.cursor.token
        if token.kind is Kind.NUMBER:
            return tree.Literal(self.cursor.next().value, type(token.value))
        if token.kind is Kind.PARAMETER:
            return tree.Parameter(self.cursor.next().text)
        raise self.cursor.wrong()

    def _selection(self) -> tuple[tree.Expression | None, tuple[tree.Item, ...]]:
        cursor = self.cursor
        if cursor.take("*"):
            return None, ()
        if cursor.take("VALUE"):
            value = self.expression()
            cursor.alias()  # [[AS] value_alias] says nothing: a value has no name to carry
            return value, ()
        items = [self._item()]
        while cursor.take(","):
            items.append(self._item())
        return None, tuple(items)

    def _item(self) -> tree.Item:
        return tree.Item(self.expression(), self.cursor.alias())

    def _sources(self) -> tuple[tree.Source, ...]:
        sources = [self._source()]
        while self.cursor.take("JOIN"):
            sources.append(self._source())
        return tuple(sources)

    def _source(self) -> tree.Source:
        cursor = self.cursor
        if cursor.ahead().upper == "IN":
            alias = cursor.name()
            cursor.expect("IN")
            base, steps = self._collection()
            return tree.Source(base, steps, alias, iterates=True)
        base, steps = self._collection()
        alias_ = cursor.alias()
        if alias_ is None and isinstance(base, str):
            alias_ = next((step for step in reversed((base, *steps)) if isinstance(step, str)), base)
        return tree.Source(base, steps, alias_, iterates=False)

    def _collection(self) -> tuple[str | tree.Query, tuple[str | int, ...]]:
        cursor = self.cursor
        if cursor.take("("):
            query = self.query()
            cursor.expect(")")
            return query, ()
        base = cursor.name()
        steps: list[str | int] = []
        while True:
            if cursor.take("."):
                steps.append(cursor.name())
            elif cursor.take("["):
                token = cursor.token
                if type(token.value) not in (str, int):
                    raise cursor.wrong()
                steps.append(cursor.next().value)
                cursor.expect("]")
            else:
                return base, tuple(steps)

    def _orders(self) -> tuple[tree.Order, ...]:
        if self.cursor.at("RANK"):
            raise UnsupportedConstruct("ORDER BY RANK")
        orders = [self._order()]
        while self.cursor.take(","):
            orders.append(self._order())
        return tuple(orders)

    def _order(self) -> tree.Order:
        value = self.expression()
        descending = self.cursor.take("DESC")
        if not descending:
            self.cursor.take("ASC")
        return tree.Order(value, descending)


def parse(text: str) -> tree.Query:
    """Parse one query.

    Raises:
        QuerySyntaxError: it is not one, or it is nested too deeply.
        UnsupportedConstruct: its grammar is known, its evaluation is not.
    """
    try:
        query = _Grammar(text).program()
    except RecursionError:
        raise QuerySyntaxError("too deeply nested") from None
    if tree.depth(query) > _MOST_NESTED:
        raise QuerySyntaxError("too deeply nested")
    return query
