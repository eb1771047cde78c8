"""The clauses of a script: WITH, SELECT, INTO, FROM, JOIN, APPLY, WHERE, GROUP BY, HAVING, UNION.

Source: https://learn.microsoft.com/stream-analytics-query/query-language-elements-azure-stream-analytics. Statements
need no `;` between them. What is known to be another database's, or Azure's and not run here, is refused by its name.
"""

from __future__ import annotations

from sqlglot import TokenType

from local.sql.asa import grammar_expressions as expressions
from local.sql.asa import tree
from local.sql.asa.errors import InvalidQuery, NotRunLocally, NotStreamAnalytics, QuerySyntaxError
from local.sql.asa.tokens import Cursor

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
    cursor = Cursor(text, file)
    steps: tuple[tree.Step, ...] = ()
    queries: list[tree.Query] = []
    while cursor.accept_kind(TokenType.SEMICOLON):
        pass
    if cursor.accept("WITH"):
        steps = cursor.commas(lambda: _step(cursor))
        if not cursor.is_word("SELECT") and not cursor.is_kind(TokenType.L_PAREN):
            raise cursor.fail("SELECT after the steps of WITH")
    while cursor.current is not None:
        _refuse_statement(cursor)
        queries.append(_query(cursor))
        _refuse_tail(cursor)
        while cursor.accept_kind(TokenType.SEMICOLON):
            pass
    if not queries:
        raise cursor.fail("SELECT")
    return tree.Script(steps, tuple(queries))


def _step(cursor: Cursor) -> tree.Step:
    at = cursor.at
    name = cursor.name("the name of a step")
    cursor.expect("AS")
    cursor.expect_kind(TokenType.L_PAREN, "(")
    query = cursor.nested(lambda: _query(cursor))
    _refuse_tail(cursor)
    cursor.expect_kind(TokenType.R_PAREN, ")")
    return tree.Step(at, name, query)


def _refuse_statement(cursor: Cursor) -> None:
    if cursor.is_word("CREATE", "TABLE"):
        raise NotRunLocally(cursor.at, "CREATE TABLE")
    if cursor.is_word("CREATE", "FUNCTION"):
        raise NotRunLocally(cursor.at, "CREATE FUNCTION")
    if cursor.is_word("CREATE"):
        raise cursor.fail("SELECT")
    if cursor.is_word("WITH"):
        raise QuerySyntaxError(cursor.at, "the steps of a script are all in one WITH, before its first SELECT")
    for word in _NOT_A_QUERY:
        if cursor.is_word(word):
            raise NotStreamAnalytics(cursor.at, word, "a script is steps and SELECTs")


def _refuse_tail(cursor: Cursor) -> None:
    for words, instead in _TAIL.items():
        if cursor.is_word(*words):
            raise NotStreamAnalytics(cursor.at, " ".join(words), instead)


def _query(cursor: Cursor) -> tree.Query:
    at = cursor.at
    queries = _query_term(cursor)
    while cursor.is_word("UNION"):
        if cursor.is_word("ALL", ahead=1):
            raise NotStreamAnalytics(cursor.at, "UNION ALL", "UNION keeps every row, repeats too")
        cursor.take()
        queries += _query_term(cursor)
    for query in queries[1:]:
        if query.into is not None:
            raise InvalidQuery(query.into.at, "INTO of a UNION goes in its first SELECT")
    return queries[0] if len(queries) == 1 else tree.Union(at, queries)


def _query_term(cursor: Cursor) -> tuple[tree.Select, ...]:
    if not cursor.accept_kind(TokenType.L_PAREN):
        return (_select(cursor),)
    query = cursor.nested(lambda: _query(cursor))
    _refuse_tail(cursor)
    cursor.expect_kind(TokenType.R_PAREN, ")")
    return query.queries if isinstance(query, tree.Union) else (query,)


def _select(cursor: Cursor) -> tree.Select:
    at = cursor.at
    cursor.expect("SELECT")
    if cursor.is_word("DISTINCT"):
        raise NotStreamAnalytics(cursor.at, "SELECT DISTINCT", "GROUP BY with a window has each group once")
    if cursor.is_word("TOP") and (cursor.is_kind(TokenType.NUMBER, 1) or cursor.is_kind(TokenType.L_PAREN, 1)):
        raise NotStreamAnalytics(cursor.at, "SELECT TOP", "TopOne() and CollectTop() take the first of a window")
    projections = cursor.commas(lambda: _projection(cursor))
    into = None
    if cursor.is_word("INTO"):
        into_at = cursor.at
        cursor.take()
        into = tree.Output(into_at, cursor.name("the name of an output"))
    if not cursor.accept("FROM"):
        raise cursor.fail("FROM" if into else "INTO or FROM")
    source = _source(cursor)
    joins: list[tree.Join | tree.Apply] = []
    while (join := _join(cursor)) is not None:
        joins.append(join)
    where = expressions.expression(cursor) if cursor.accept("WHERE") else None
    group: tuple[tree.Expression, ...] = ()
    if cursor.accept("GROUP", "BY"):
        group = cursor.commas(lambda: expressions.expression(cursor))
    having = expressions.expression(cursor) if cursor.accept("HAVING") else None
    return tree.Select(at, projections, into, source, tuple(joins), where, group, having)


def _projection(cursor: Cursor) -> tree.Projection | tree.Star:
    at = cursor.at
    star = expressions.star(cursor)
    if star is not None:
        return star
    if cursor.is_name() and cursor.is_kind(TokenType.EQ, 1):  # alias = expression
        alias = cursor.name("an alias")
        cursor.take()
        return tree.Projection(at, expressions.expression(cursor), alias)
    value = expressions.expression(cursor)
    return tree.Projection(at, value, _column_alias(cursor))


def _column_alias(cursor: Cursor) -> str | None:
    explicit = cursor.accept("AS")
    text = cursor.string()
    if text:
        return text
    if explicit or cursor.is_name():
        return cursor.name("an alias")
    return None


def _source(cursor: Cursor) -> tree.Source:
    at = cursor.at
    if cursor.is_kind(TokenType.L_PAREN):
        raise NotStreamAnalytics(at, "a subquery", "name it as a step, with WITH")
    name = cursor.name("an input or a step")
    if cursor.is_kind(TokenType.L_PAREN):
        raise QuerySyntaxError(at, f"{name}() is no source of a FROM; CROSS APPLY takes functions that give rows")
    alias = _source_alias(cursor)
    timestamp: tree.Expression | None = None
    over: tuple[tree.Expression, ...] = ()
    partition: tuple[tree.Expression, ...] = ()
    while True:
        if timestamp is None and cursor.accept("TIMESTAMP", "BY"):
            timestamp = expressions.value(cursor)
            if cursor.accept("OVER"):
                over = cursor.commas(lambda: expressions.value(cursor))
        elif not partition and cursor.accept("PARTITION", "BY"):
            partition = cursor.commas(lambda: expressions.value(cursor))
        else:
            break
    alias = alias or _source_alias(cursor)
    if cursor.is_word("MATCH_RECOGNIZE"):
        raise NotRunLocally(cursor.at, "MATCH_RECOGNIZE")
    if cursor.is_kind(TokenType.COMMA):
        raise NotStreamAnalytics(cursor.at, "a list of sources in FROM", "JOIN ... ON")
    return tree.Source(at, name, alias, timestamp, over, partition)


def _source_alias(cursor: Cursor) -> str | None:
    if cursor.accept("AS"):
        return cursor.name("an alias")
    clause = (("TIMESTAMP", "BY"), ("PARTITION", "BY"), ("MATCH_RECOGNIZE",), *_TAIL)
    if cursor.is_name() and not any(cursor.is_word(*words) for words in clause):
        return cursor.name("an alias")
    return None


def _join(cursor: Cursor) -> tree.Join | tree.Apply | None:
    at = cursor.at
    if cursor.is_word("CROSS", "APPLY") or cursor.is_word("OUTER", "APPLY"):
        outer = cursor.take().text.upper() == "OUTER"
        cursor.take()
        return _apply(cursor, outer)
    if cursor.is_word("CROSS", "JOIN"):
        raise NotRunLocally(at, "CROSS JOIN")
    for word in ("RIGHT", "FULL"):
        if cursor.is_word(word):
            raise NotStreamAnalytics(at, f"{word} JOIN", "there are JOIN and LEFT JOIN")
    left = cursor.accept("LEFT")
    if left:
        cursor.accept("OUTER")
        cursor.expect("JOIN")
    elif cursor.accept("INNER"):
        cursor.expect("JOIN")
    elif not cursor.accept("JOIN"):
        return None
    source = _source(cursor)
    cursor.expect("ON")
    return tree.Join(at, source, left, expressions.expression(cursor))


def _apply(cursor: Cursor, outer: bool) -> tree.Apply:
    at = cursor.at
    call = expressions.value(cursor)
    if not isinstance(call, tree.Call):
        raise QuerySyntaxError(
            at, "APPLY takes a function that gives rows: GetArrayElements() or GetRecordProperties()"
        )
    cursor.accept("AS")
    return tree.Apply(at, call, cursor.name("an alias for the rows of APPLY"), outer)
