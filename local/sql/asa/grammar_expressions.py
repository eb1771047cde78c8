"""The expressions of a query, from OR down to a literal, as in T-SQL.

Precedence, loosest first: OR, AND, NOT, comparisons with LIKE, IN, BETWEEN and IS, then + - & | ^, then * / %, then
signs. A comparison does not compare again: `a = b = c` is an error.
"""

from __future__ import annotations

from typing import Final

from sqlglot import TokenType

from local.sql.asa import tree
from local.sql.asa.errors import NotRunLocally, NotStreamAnalytics, QuerySyntaxError
from local.sql.asa.tokens import Cursor

COMPARISONS: Final = {
    TokenType.EQ: "=",
    TokenType.NEQ: "<>",
    TokenType.LT: "<",
    TokenType.LTE: "<=",
    TokenType.GT: ">",
    TokenType.GTE: ">=",
}
_TERMS: Final = {
    TokenType.PLUS: "+",
    TokenType.DASH: "-",
    TokenType.AMP: "&",
    TokenType.PIPE: "|",
    TokenType.CARET: "^",
}
_FACTORS: Final = {TokenType.STAR: "*", TokenType.SLASH: "/", TokenType.MOD: "%"}
_SIGNS: Final = {TokenType.DASH: "-", TokenType.PLUS: "+", TokenType.TILDE: "~"}
_MOST_OPERATORS: Final = 100  # in a row: each is one level deeper
TYPES: Final = ("bigint", "float", "nvarchar(max)", "datetime", "bit", "record", "array")


def expression(cursor: Cursor) -> tree.Expression:
    """A condition or a value: which of the two must stand where is `check`'s business."""
    return cursor.nested(lambda: _connective(cursor, "OR"))


def value(cursor: Cursor) -> tree.Expression:
    """A value, without comparisons and connectives around it."""
    return cursor.nested(lambda: _chain(cursor, _TERMS))


def star(cursor: Cursor) -> tree.Star | None:
    """`*` or `a.b.*`, if it is next."""
    at = cursor.at
    if cursor.accept_kind(TokenType.STAR):
        return tree.Star(at, ())
    ahead = 0
    while _named(cursor, ahead) and cursor.is_kind(TokenType.DOT, ahead + 1):
        ahead += 2
    if not ahead or not cursor.is_kind(TokenType.STAR, ahead):
        return None
    names: list[str] = []
    while not cursor.accept_kind(TokenType.STAR):
        names.append(_member_name(cursor) if names else cursor.name("a source or a column"))
        cursor.take()
    return tree.Star(at, tuple(names))


def _named(cursor: Cursor, ahead: int) -> bool:
    return cursor.is_kind(TokenType.VAR, ahead) or cursor.is_kind(TokenType.IDENTIFIER, ahead)


def _connective(cursor: Cursor, word: str) -> tree.Expression:
    at = cursor.at
    operands = [_connective(cursor, "AND") if word == "OR" else _not(cursor)]
    while cursor.accept(word):
        operands.append(_connective(cursor, "AND") if word == "OR" else _not(cursor))
    return operands[0] if len(operands) == 1 else tree.Connective(at, word, tuple(operands))


def _not(cursor: Cursor) -> tree.Expression:
    at = cursor.at
    if cursor.accept("NOT"):
        return tree.Not(at, cursor.nested(lambda: _not(cursor)))
    return _predicate(cursor)


def _predicate(cursor: Cursor) -> tree.Expression:
    at = cursor.at
    if cursor.is_word("EXISTS") and cursor.is_kind(TokenType.L_PAREN, 1):
        raise NotStreamAnalytics(at, "EXISTS", "JOIN finds the rows of another source")
    left = _chain(cursor, _TERMS)
    sign = _comparison_sign(cursor)
    if sign is not None:
        return tree.Binary(at, sign, left, _chain(cursor, _TERMS))
    if cursor.accept("IS"):
        negated = cursor.accept("NOT")
        cursor.expect("NULL")
        return tree.IsNull(at, left, negated)
    negated = cursor.is_word("NOT") and any(cursor.is_word(word, ahead=1) for word in ("LIKE", "IN", "BETWEEN"))
    if negated:
        cursor.take()
    if cursor.accept("LIKE"):
        pattern = _chain(cursor, _TERMS)
        if cursor.is_word("ESCAPE"):
            raise NotStreamAnalytics(cursor.at, "LIKE ... ESCAPE", "[%] and [_] are the characters themselves")
        return tree.Like(at, left, pattern, negated)
    if cursor.accept("IN"):
        cursor.expect_kind(TokenType.L_PAREN, "(")
        if cursor.is_word("SELECT"):
            raise NotStreamAnalytics(cursor.at, "a subquery", "JOIN finds the rows of another source")
        choices = cursor.commas(lambda: value(cursor))
        cursor.expect_kind(TokenType.R_PAREN, ")")
        return tree.In(at, left, choices, negated)
    if cursor.accept("BETWEEN"):
        low = _chain(cursor, _TERMS)
        cursor.expect("AND")
        return tree.Between(at, left, low, _chain(cursor, _TERMS), negated)
    return left


def _comparison_sign(cursor: Cursor) -> str | None:
    for kind, sign in ((TokenType.LT, ">="), (TokenType.GT, "<=")):  # !< and !>
        if cursor.is_kind(TokenType.NOT) and cursor.is_kind(kind, 1):
            cursor.take()
            cursor.take()
            return sign
    token = cursor.current
    if token is None or token.token_type not in COMPARISONS:
        return None
    cursor.take()
    return COMPARISONS[token.token_type]


def _chain(cursor: Cursor, signs: dict[TokenType, str]) -> tree.Expression:
    """Operands with any of `signs` between, the first two first."""
    at = cursor.at
    left = _chain(cursor, _FACTORS) if signs is _TERMS else _signed(cursor)
    for _ in range(_MOST_OPERATORS):
        token = cursor.current
        if token is None or token.token_type not in signs:
            return left
        cursor.take()
        right = _chain(cursor, _FACTORS) if signs is _TERMS else _signed(cursor)
        left = tree.Binary(at, signs[token.token_type], left, right)
    raise QuerySyntaxError(cursor.at, f"more than {_MOST_OPERATORS} operators in a row")


def _signed(cursor: Cursor) -> tree.Expression:
    at = cursor.at
    token = cursor.current
    if token is None or token.token_type not in _SIGNS:
        return _postfix(cursor)
    cursor.take()
    operand = cursor.nested(lambda: _signed(cursor))
    return tree.Unary(at, _SIGNS[token.token_type], operand)


def _postfix(cursor: Cursor) -> tree.Expression:
    """A primary, and the members taken of it."""
    at = cursor.at
    found = _primary(cursor)
    for _ in range(_MOST_OPERATORS):
        index = None if isinstance(found, tree.Literal) else cursor.index()
        if index is not None:
            found = tree.Member(at, found, index)
        elif not isinstance(found, tree.Literal) and cursor.accept_kind(TokenType.DOT):
            name = _member_name(cursor)
            found = (
                tree.Path(at, (*found.names, name)) if isinstance(found, tree.Path) else tree.Member(at, found, name)
            )
        elif isinstance(found, tree.Path) and cursor.is_kind(TokenType.L_PAREN):
            found = _call(cursor, found)
        else:
            return _timestamp(found)
    raise QuerySyntaxError(at, f"more than {_MOST_OPERATORS} members deep")


def _timestamp(found: tree.Expression) -> tree.Expression:
    """System.Timestamp was a name before it was a function, and still may be written as one."""
    if isinstance(found, tree.Path) and [name.lower() for name in found.names] == ["system", "timestamp"]:
        return tree.Call(found.at, ".".join(found.names))
    return found


def _member_name(cursor: Cursor) -> str:
    """After a dot even a reserved word is a name."""
    if cursor.is_kind(TokenType.VAR):
        return cursor.take().text
    return cursor.name("the name of a member")


def _primary(cursor: Cursor) -> tree.Expression:
    at = cursor.at
    number = cursor.number()
    if number is not None:
        return tree.Literal(at, number)
    text = cursor.string()
    if text is not None:
        return tree.Literal(at, text)
    if cursor.accept("NULL"):
        return tree.Literal(at, None)
    if cursor.is_word("CASE"):
        return _case(cursor)
    if cursor.is_word("CAST") or cursor.is_word("TRY_CAST"):
        return _cast(cursor)
    if cursor.accept_kind(TokenType.L_PAREN):
        if cursor.is_word("SELECT"):
            raise NotStreamAnalytics(cursor.at, "a subquery", "name it as a step, with WITH, and JOIN it")
        inner = expression(cursor)
        cursor.expect_kind(TokenType.R_PAREN, ")")
        return inner
    if any(cursor.is_word(word) for word in ("LEFT", "RIGHT")) and cursor.is_kind(TokenType.L_PAREN, 1):
        return _call(cursor, tree.Path(at, (cursor.take().text,)))
    return tree.Path(at, (cursor.name("an expression"),))


def _case(cursor: Cursor) -> tree.Case:
    at = cursor.at
    cursor.take()
    operand = None if cursor.is_word("WHEN") else value(cursor)
    branches = []
    while cursor.accept("WHEN"):
        condition = expression(cursor)
        cursor.expect("THEN")
        branches.append((condition, value(cursor)))
    if not branches:
        raise cursor.fail("WHEN")
    default = value(cursor) if cursor.accept("ELSE") else None
    cursor.expect("END")
    return tree.Case(at, operand, tuple(branches), default)


def _cast(cursor: Cursor) -> tree.Cast:
    at = cursor.at
    attempt = cursor.take().text.upper() == "TRY_CAST"
    cursor.expect_kind(TokenType.L_PAREN, "(")
    operand = value(cursor)
    cursor.expect("AS")
    type_at = cursor.at
    written = cursor.name("a type").lower()
    if written == "nvarchar":
        cursor.expect_kind(TokenType.L_PAREN, "(max)")
        cursor.expect("MAX")
        cursor.expect_kind(TokenType.R_PAREN, ")")
        written = "nvarchar(max)"
    if written not in TYPES:
        raise NotStreamAnalytics(type_at, f"the type {written}", f"the types are {', '.join(TYPES)}")
    cursor.expect_kind(TokenType.R_PAREN, ")")
    return tree.Cast(at, operand, written, attempt)


def _call(cursor: Cursor, name: tree.Path) -> tree.Expression:
    written = ".".join(name.names)
    cursor.expect_kind(TokenType.L_PAREN, "(")
    if cursor.is_word("SELECT"):
        raise NotStreamAnalytics(cursor.at, "a subquery", "name it as a step, with WITH, and JOIN it")
    distinct = cursor.accept("DISTINCT")
    starred = not distinct and cursor.accept_kind(TokenType.STAR)
    arguments: tuple[tree.Expression, ...] = ()
    if not starred and (distinct or not cursor.is_kind(TokenType.R_PAREN)):
        arguments = cursor.commas(lambda: value(cursor))
    cursor.expect_kind(TokenType.R_PAREN, ")")
    if cursor.is_word("WITHIN", "GROUP"):
        if written.upper() in ("PERCENTILE_CONT", "PERCENTILE_DISC"):
            raise NotRunLocally(name.at, f"{written}()")
        raise NotStreamAnalytics(cursor.at, f"WITHIN GROUP of {written}()")
    over = _over(cursor) if cursor.is_word("OVER") and cursor.is_kind(TokenType.L_PAREN, 1) else None
    return tree.Call(name.at, written, arguments, distinct, starred, over)


def _over(cursor: Cursor) -> tree.Over:
    at = cursor.at
    cursor.take()
    cursor.take()
    partition: tuple[tree.Expression, ...] = ()
    order: tuple[tuple[tree.Expression, bool], ...] = ()
    if cursor.accept("PARTITION", "BY"):
        partition = cursor.commas(lambda: value(cursor))
    if cursor.accept("ORDER", "BY"):
        order = cursor.commas(lambda: _ordering(cursor))
    limit = None
    if cursor.accept("LIMIT"):
        found = value(cursor)
        if not isinstance(found, tree.Call) or found.name.upper() != "DURATION":
            raise QuerySyntaxError(found.at, "expected DURATION(unit, number) after LIMIT")
        limit = found
    when = expression(cursor) if cursor.accept("WHEN") else None
    cursor.expect_kind(TokenType.R_PAREN, ")")
    return tree.Over(at, partition, order, limit, when)


def _ordering(cursor: Cursor) -> tuple[tree.Expression, bool]:
    key = value(cursor)
    if cursor.accept("DESC"):
        return key, True
    cursor.accept("ASC")
    return key, False
