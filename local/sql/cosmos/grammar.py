"""The clauses of a query: text in, one tree out. Nothing in it is skipped: what may not stand there is named.

The grammar is the one that the .NET SDK publishes (sql.g4 of Azure/azure-cosmos-dotnet-v3), with what the
documentation adds: aliases without AS, JOIN over paths, names of object members without quotes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from local.sql.cosmos import tree
from local.sql.cosmos.errors import QuerySyntaxError, UnsupportedConstruct
from local.sql.cosmos.grammar_expressions import Expressions
from local.sql.cosmos.lexicon import LEXICON, RESERVED
from local.sql.tokens import Cursor, Kind

_MOST_NESTED: Final = 100  # levels: closures call each other, and Python's stack has a thousand frames

# Names everywhere else, but not of what they follow without AS: other databases' clauses are not to pass for aliases.
_NO_ALIAS: Final = RESERVED | frozenset(
    (
        *("ALL", "CROSS", "ESCAPE", "EXCEPT", "FETCH", "FOR", "FULL", "HAVING", "INNER", "INTERSECT", "INTO", "IS"),
        *("LEFT", "LIMIT", "NATURAL", "OFFSET", "ON", "OUTER", "OVER", "QUALIFY", "RIGHT", "UNION", "USING", "WINDOW"),
        "WITH",
    )
)


class _Grammar(Expressions):
    def program(self) -> tree.Query:
        query = self.query()
        if self.cursor.token.kind is not Kind.END:
            raise self.cursor.fail("the end of the query")
        return query

    def query(self) -> tree.Query:
        cursor = self.cursor
        at = cursor.at
        cursor.expect("SELECT")
        distinct = cursor.accept("DISTINCT")
        top = self._count() if cursor.accept("TOP") else None
        value, items = self._selection()
        sources = self._sources() if cursor.accept("FROM") else ()
        where = self.expression() if cursor.accept("WHERE") else None
        groups = cursor.commas(self.expression) if self._clause("GROUP") else ()
        orders = self._orders() if self._clause("ORDER") else ()
        offset = limit = None
        if cursor.accept("OFFSET"):
            offset = self._count()
            cursor.expect("LIMIT")
            limit = self._count()
        return tree.Query(at, distinct, top, value, items, sources, where, groups, orders, offset, limit)

    def _clause(self, word: str) -> bool:
        if not self.cursor.accept(word):
            return False
        self.cursor.expect("BY")
        return True

    def _count(self) -> tree.Expression:
        at, token = self.cursor.at, self.cursor.token
        if token.kind is Kind.NUMBER:
            return tree.Literal(at, self.cursor.take().value)
        if token.kind is Kind.PARAMETER:
            return tree.Parameter(at, self.cursor.take().text)
        raise self.cursor.fail("a number or a parameter")

    def _selection(self) -> tuple[tree.Expression | None, tuple[tree.Item, ...]]:
        cursor = self.cursor
        if cursor.accept("*"):
            return None, ()
        if cursor.accept("VALUE"):
            value = self.expression()
            self._alias()  # [[AS] value_alias] says nothing: a value has no name to carry
            return value, ()
        return None, cursor.commas(self._item)

    def _item(self) -> tree.Item:
        at = self.cursor.at
        return tree.Item(at, self.expression(), self._alias())

    def _alias(self) -> str | None:
        cursor = self.cursor
        if cursor.accept("AS"):
            return cursor.name("an alias")
        if cursor.token.kind is Kind.WORD and cursor.token.upper not in _NO_ALIAS:
            return cursor.take().text
        return None

    def _sources(self) -> tuple[tree.Source, ...]:
        sources = [self._source()]
        while self.cursor.accept("JOIN"):
            sources.append(self._source())
        return tuple(sources)

    def _source(self) -> tree.Source:
        cursor = self.cursor
        at = cursor.at
        if cursor.ahead().upper == "IN":
            alias = cursor.name("an alias")
            cursor.expect("IN")
            base, steps = self._collection()
            return tree.Source(at, base, steps, alias, iterates=True)
        base, steps = self._collection()
        alias_ = self._alias()
        if alias_ is None and isinstance(base, str):
            alias_ = next((step for step in reversed((base, *steps)) if isinstance(step, str)), base)
        return tree.Source(at, base, steps, alias_, iterates=False)

    def _collection(self) -> tuple[str | tree.Query, tuple[str | int, ...]]:
        cursor = self.cursor
        if cursor.accept("("):
            with cursor.nesting():
                query = self.query()
            cursor.expect(")")
            return query, ()
        base = cursor.name("a source")
        steps: list[str | int] = []
        while True:
            if cursor.accept("."):
                steps.append(cursor.name("a name that is no keyword"))
            elif cursor.accept("["):
                if type(cursor.token.value) not in (str, int):
                    raise cursor.fail("a name in quotes or an index")
                steps.append(cursor.take().value)
                cursor.expect("]")
            else:
                return base, tuple(steps)

    def _orders(self) -> tuple[tree.Order, ...]:
        if self.cursor.next_is("RANK"):
            raise UnsupportedConstruct("ORDER BY RANK")
        return self.cursor.commas(self._order)

    def _order(self) -> tree.Order:
        at = self.cursor.at
        value = self.expression()
        descending = self.cursor.accept("DESC")
        if not descending:
            self.cursor.accept("ASC")
        return tree.Order(at, value, descending)


@lru_cache(maxsize=128)
def parse(text: str) -> tree.Query:
    """Parse one query; once, of those that are asked again and again with other parameters.

    Raises:
        QuerySyntaxError: it is not one, or it is nested too deeply.
        UnsupportedConstruct: its grammar is known, its evaluation is not.
    """
    query = _Grammar(Cursor(text, "query", LEXICON)).program()
    if tree.depth(query) > _MOST_NESTED:
        raise QuerySyntaxError("SELECT", "nested too deeply")
    return query
