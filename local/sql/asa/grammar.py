"""The clauses of a script: WITH, SELECT, INTO, FROM, JOIN, APPLY, WHERE, GROUP BY, HAVING, UNION.

Source: https://learn.microsoft.com/stream-analytics-query/query-language-elements-azure-stream-analytics. Statements
need no `;` between them. What is known to be another database's, or Azure's and not run here, is refused by its name.
"""

from __future__ import annotations

from local.sql.asa import tree
from local.sql.asa.errors import InvalidQuery, NotRunLocally, NotStreamAnalytics, QuerySyntaxError
from local.sql.asa.grammar_expressions import Expressions
from local.sql.asa.lexicon import LEXICON
from local.sql.tokens import Cursor, Kind

_NOT_A_QUERY = ("ALTER", "DECLARE", "DELETE", "DROP", "EXEC", "INSERT", "MERGE", "SET", "UPDATE", "USE")
_TAIL = {
    ("ORDER", "BY"): "a stream has no end to be sorted at; TopOne() and CollectTop() order within a window",
    ("LIMIT",): "a stream has no end; TopOne() and CollectTop() take the first of a window",
    ("OFFSET",): "a stream has no end; TopOne() and CollectTop() take the first of a window",
    ("EXCEPT",): "",
    ("INTERSECT",): "",
    ("PIVOT",): "",
    ("UNPIVOT",): "",
}


def parse(text: str, file: str) -> tree.Script:
    """Parse a script.

    Args:
        text: The query.
        file: What the errors call it.

    Raises:
        QueryError: it is not one, or holds a construct that the language or this engine does not have.
    """
    return _Script(Cursor(text, file, LEXICON)).script()


class _Script(Expressions):
    def script(self) -> tree.Script:
        cursor = self.cursor
        steps: tuple[tree.Step, ...] = ()
        queries: list[tree.Query] = []
        while cursor.accept(";"):
            pass
        if cursor.accept("WITH"):
            steps = cursor.commas(self._step)
            if not cursor.next_is("SELECT") and not cursor.next_is("("):
                raise cursor.fail("SELECT after the steps of WITH")
        while cursor.token.kind is not Kind.END:
            self._refuse_statement()
            queries.append(self._query())
            self._refuse_tail()
            while cursor.accept(";"):
                pass
        if not queries:
            raise cursor.fail("SELECT")
        return tree.Script(steps, tuple(queries))

    def _step(self) -> tree.Step:
        cursor = self.cursor
        at = cursor.at
        name = cursor.name("the name of a step")
        cursor.expect("AS")
        cursor.expect("(")
        with cursor.nesting():
            query = self._query()
        self._refuse_tail()
        cursor.expect(")")
        return tree.Step(at, name, query)

    def _refuse_statement(self) -> None:
        cursor = self.cursor
        if cursor.next_is("CREATE", "TABLE"):
            raise NotRunLocally(cursor.at, "CREATE TABLE")
        if cursor.next_is("CREATE", "FUNCTION"):
            raise NotRunLocally(cursor.at, "CREATE FUNCTION")
        if cursor.next_is("CREATE"):
            raise cursor.fail("SELECT")
        if cursor.next_is("WITH"):
            raise QuerySyntaxError(cursor.at, "the steps of a script are all in one WITH, before its first SELECT")
        for word in _NOT_A_QUERY:
            if cursor.next_is(word):
                raise NotStreamAnalytics(cursor.at, word, "a script is steps and SELECTs")

    def _refuse_tail(self) -> None:
        cursor = self.cursor
        for words, instead in _TAIL.items():
            if cursor.next_is(*words):
                raise NotStreamAnalytics(cursor.at, " ".join(words), instead)

    def _query(self) -> tree.Query:
        cursor = self.cursor
        at = cursor.at
        queries = self._query_term()
        while cursor.next_is("UNION"):
            if cursor.next_is("ALL", ahead=1):
                raise NotStreamAnalytics(cursor.at, "UNION ALL", "UNION keeps every row, repeats too")
            cursor.take()
            queries += self._query_term(after_union=True)
        for query in queries[1:]:
            if query.into is not None:
                raise InvalidQuery(query.into.at, "INTO of a UNION goes in its first SELECT")
        return queries[0] if len(queries) == 1 else tree.Union(at, queries)

    def _query_term(self, *, after_union: bool = False) -> tuple[tree.Select, ...]:
        cursor = self.cursor
        if after_union and not cursor.next_is("(") and not cursor.next_is("SELECT"):
            return (self._all_of(),)
        if not cursor.accept("("):
            return (self._select(),)
        with cursor.nesting():
            query = self._query()
        self._refuse_tail()
        cursor.expect(")")
        return query.queries if isinstance(query, tree.Union) else (query,)

    def _all_of(self) -> tree.Select:
        """`UNION source`: all of it, as in an example of https://learn.microsoft.com/azure/stream-analytics/repartition."""
        at = self.cursor.at
        return tree.Select(at, (tree.Star(at, ()),), None, self._source(), (), None, (), None)

    def _select(self) -> tree.Select:
        cursor = self.cursor
        at = cursor.at
        cursor.expect("SELECT")
        if cursor.next_is("DISTINCT"):
            raise NotStreamAnalytics(cursor.at, "SELECT DISTINCT", "GROUP BY with a window has each group once")
        if cursor.next_is("TOP") and (cursor.ahead().kind is Kind.NUMBER or cursor.next_is("(", ahead=1)):
            raise NotStreamAnalytics(cursor.at, "SELECT TOP", "TopOne() and CollectTop() take the first of a window")
        projections = cursor.commas(self._projection)
        into = None
        if cursor.next_is("INTO"):
            into_at = cursor.at
            cursor.take()
            into = tree.Output(into_at, cursor.name("the name of an output"))
        if not cursor.accept("FROM"):
            raise cursor.fail("FROM" if into else "INTO or FROM")
        source = self._source()
        joins: list[tree.Join | tree.Apply] = []
        while (join := self._join()) is not None:
            joins.append(join)
        where = self.expression() if cursor.accept("WHERE") else None
        group: tuple[tree.Expression, ...] = ()
        if cursor.accept("GROUP", "BY"):
            group = cursor.commas(self.expression)
        having = self.expression() if cursor.accept("HAVING") else None
        return tree.Select(at, projections, into, source, tuple(joins), where, group, having)

    def _projection(self) -> tree.Projection | tree.Star:
        cursor = self.cursor
        at = cursor.at
        star = self.star()
        if star is not None:
            return star
        if cursor.is_name() and cursor.next_is("=", ahead=1):  # alias = expression
            alias = cursor.name("an alias")
            cursor.take()
            return tree.Projection(at, self.expression(), alias)
        value = self.expression()
        return tree.Projection(at, value, self._column_alias())

    def _column_alias(self) -> str | None:
        cursor = self.cursor
        explicit = cursor.accept("AS")
        if cursor.token.kind is Kind.STRING and cursor.token.value:
            return cursor.string()
        if explicit or cursor.is_name():
            return cursor.name("an alias")
        return None

    def _source(self) -> tree.Source:
        cursor = self.cursor
        at = cursor.at
        if cursor.next_is("("):
            raise NotStreamAnalytics(at, "a subquery", "name it as a step, with WITH")
        name = cursor.name("an input or a step")
        if cursor.next_is("("):
            raise QuerySyntaxError(at, f"{name}() is no source of a FROM; CROSS APPLY takes functions that give rows")
        alias = self._source_alias()
        timestamp: tree.Expression | None = None
        over: tuple[tree.Expression, ...] = ()
        partition: tuple[tree.Expression, ...] = ()
        shards: tree.Literal | None = None
        while True:
            if timestamp is None and cursor.accept("TIMESTAMP", "BY"):
                timestamp = self.value()
                if cursor.accept("OVER"):
                    over = cursor.commas(self.value)
            elif not partition and cursor.accept("PARTITION", "BY"):
                partition = cursor.commas(self.value)
                shards = self._shards() if cursor.accept("INTO") else None
            else:
                break
        alias = alias or self._source_alias()
        if cursor.next_is("MATCH_RECOGNIZE"):
            raise NotRunLocally(cursor.at, "MATCH_RECOGNIZE")
        if cursor.next_is(","):
            raise NotStreamAnalytics(cursor.at, "a list of sources in FROM", "JOIN ... ON")
        return tree.Source(at, name, alias, timestamp, over, partition, shards)

    def _shards(self) -> tree.Literal:
        cursor = self.cursor
        at = cursor.at
        if cursor.token.kind is not Kind.NUMBER:
            raise cursor.fail("a number of partitions")
        return tree.Literal(at, cursor.take().value)

    def _source_alias(self) -> str | None:
        cursor = self.cursor
        if cursor.accept("AS"):
            return cursor.name("an alias")
        clause = (("TIMESTAMP", "BY"), ("PARTITION", "BY"), ("MATCH_RECOGNIZE",), *_TAIL)
        if cursor.is_name() and not any(cursor.next_is(*words) for words in clause):
            return cursor.name("an alias")
        return None

    def _join(self) -> tree.Join | tree.Apply | None:
        cursor = self.cursor
        at = cursor.at
        if cursor.next_is("CROSS", "APPLY") or cursor.next_is("OUTER", "APPLY"):
            outer = cursor.take().upper == "OUTER"
            cursor.take()
            return self._apply(outer)
        if cursor.accept("CROSS", "JOIN"):
            return tree.Join(at, self._source(), left=False, on=None)
        for word in ("RIGHT", "FULL"):
            if cursor.next_is(word):
                raise NotStreamAnalytics(at, f"{word} JOIN", "there are JOIN and LEFT JOIN")
        left = cursor.accept("LEFT")
        if left:
            cursor.accept("OUTER")
            cursor.expect("JOIN")
        elif cursor.accept("INNER"):
            cursor.expect("JOIN")
        elif not cursor.accept("JOIN"):
            return None
        source = self._source()
        cursor.expect("ON")
        return tree.Join(at, source, left, self.expression())

    def _apply(self, outer: bool) -> tree.Apply:
        cursor = self.cursor
        at = cursor.at
        call = self.value()
        if not isinstance(call, tree.Call):
            raise QuerySyntaxError(
                at, "APPLY takes a function that gives rows: GetArrayElements() or GetRecordProperties()"
            )
        cursor.accept("AS")
        return tree.Apply(at, call, cursor.name("an alias for the rows of APPLY"), outer)
