"""The expressions of a query, from OR down to a literal, as in T-SQL.

Precedence, loosest first: OR, AND, NOT, comparisons with LIKE, IN, BETWEEN and IS, then + - & | ^, then * / %, then
signs. A comparison does not compare again: `a = b = c` is an error.
"""

from __future__ import annotations

from typing import Final

from sqlglot import TokenType

from local.sql.asa.errors import NotRunLocally, NotStreamAnalytics, QuerySyntaxError
from local.sql.asa.tokens import Cursor
from local.sql.asa.tree import (
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Connective,
    Expression,
    In,
    IsNull,
    Like,
    Literal,
    Member,
    Not,
    Over,
    Path,
    Star,
    Unary,
)  # fmt: skip

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


def expression(cursor: Cursor) -> Expression:
    """A condition or a value: which of the two must stand where is `check`'s business."""
    return cursor.nested(lambda: _connective(cursor, "OR"))


def value(cursor: Cursor) -> Expression:
    """A value, without comparisons and connectives around it."""
    return cursor.nested(lambda: _chain(cursor, _TERMS))


def star(cursor: Cursor) -> Star | None:
    """`*` or `a.b.*`, if it is next."""
    at = cursor.at
    if cursor.accept_kind(TokenType.STAR):
        return Star(at, ())
    ahead = 0
    while _named(cursor, ahead) and cursor.is_kind(TokenType.DOT, ahead + 1):
        ahead += 2
    if not ahead or not cursor.is_kind(TokenType.STAR, ahead):
        return None
    names: list[str] = []
    while not cursor.accept_kind(TokenType.STAR):
        names.append(_member_name(cursor) if names else cursor.name("a source or a column"))
        cursor.take()
    return Star(at, tuple(names))


def _named(cursor: Cursor, ahead: int) -> bool:
    return cursor.is_kind(TokenType.VAR, ahead) or cursor.is_kind(TokenType.IDENTIFIER, ahead)


def _connective(cursor: Cursor, word: str) -> Expression:
    at = cursor.at
    operands = [_connective(cursor, "AND") if word == "OR" else _not(cursor)]
    while cursor.accept(word):
        operands.append(_connective(cursor, "AND") if word == "OR" else _not(cursor))
    return operands[0] if len(operands) == 1 else Connective(at, word, tuple(operands))


def _not(cursor: Cursor) -> Expression:
    at = cursor.at
    if cursor.accept("NOT"):
        return Not(at, cursor.nested(lambda: _not(cursor)))
    return _predicate(cursor)


def _predicate(cursor: Cursor) -> Expression:
    at = cursor.at
    if cursor.is_word("EXISTS") and cursor.is_kind(TokenType.L_PAREN, 1):
        raise NotStreamAnalytics(at, "EXISTS", "JOIN finds the rows of another source")
    left = _chain(cursor, _TERMS)
    sign = _comparison_sign(cursor)
    if sign is not None:
        return Binary(at, sign, left, _chain(cursor, _TERMS))
    if cursor.accept("IS"):
        negated = cursor.accept("NOT")
        cursor.expect("NULL")
        return IsNull(at, left, negated)
    negated = cursor.is_word("NOT") and any(cursor.is_word(word, ahead=1) for word in ("LIKE", "IN", "BETWEEN"))
    if negated:
        cursor.take()
    if cursor.accept("LIKE"):
        pattern = _chain(cursor, _TERMS)
        if cursor.is_word("ESCAPE"):
            raise NotStreamAnalytics(cursor.at, "LIKE ... ESCAPE", "[%] and [_] are the characters themselves")
        return Like(at, left, pattern, negated)
    if cursor.accept("IN"):
        cursor.expect_kind(TokenType.L_PAREN, "(")
        if cursor.is_word("SELECT"):
            raise NotStreamAnalytics(cursor.at, "a subquery", "JOIN finds the rows of another source")
        choices = cursor.commas(lambda: value(cursor))
        cursor.expect_kind(TokenType.R_PAREN, ")")
        return In(at, left, choices, negated)
    if cursor.accept("BETWEEN"):
        low = _chain(cursor, _TERMS)
        cursor.expect("AND")
        return Between(at, left, low, _chain(cursor, _TERMS), negated)
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


def _chain(cursor: Cursor, signs: dict[TokenType, str]) -> Expression:
    """Operands with any of `signs` between, the first two first."""
    at = cursor.at
    left = _chain(cursor, _FACTORS) if signs is _TERMS else _signed(cursor)
    for _ in range(_MOST_OPERATORS):
        token = cursor.current
        if token is None or token.token_type not in signs:
            return left
        cursor.take()
        right = _chain(cursor, _FACTORS) if signs is _TERMS else _signed(cursor)
        left = Binary(at, signs[token.token_type], left, right)
    raise QuerySyntaxError(cursor.at, f"more than {_MOST_OPERATORS} operators in a row")


def _signed(cursor: Cursor) -> Expression:
    at = cursor.at
    token = cursor.current
    if token is None or token.token_type not in _SIGNS:
        return _postfix(cursor)
    cursor.take()
    operand = cursor.nested(lambda: _signed(cursor))
    return Unary(at, _SIGNS[token.token_type], operand)


def _postfix(cursor: Cursor) -> Expression:
    """A primary, and the members taken of it."""
    at = cursor.at
    found = _primary(cursor)
    for _ in range(_MOST_OPERATORS):
        index = None if isinstance(found, Literal) else cursor.index()
        if index is not None:
            found = Member(at, found, index)
        elif not isinstance(found, Literal) and cursor.accept_kind(TokenType.DOT):
            name = _member_name(cursor)
            found = Path(at, (*found.names, name)) if isinstance(found, Path) else Member(at, found, name)
        elif isinstance(found, Path) and cursor.is_kind(TokenType.L_PAREN):
            found = _call(cursor, found)
        else:
            return _timestamp(found)
    raise QuerySyntaxError(at, f"more than {_MOST_OPERATORS} members deep")


def _timestamp(found: Expression) -> Expression:
    """System.Timestamp was a name before it was a function, and still may be written as one."""
    if isinstance(found, Path) and [name.lower() for name in found.names] == ["system", "timestamp"]:
        return Call(found.at, ".".join(found.names))
    return found


def _member_name(cursor: Cursor) -> str:
    """After a dot even a reserved word is a name."""
    if cursor.is_kind(TokenType.VAR):
        return cursor.take().text
    return cursor.name("the name of a member")


def _primary(cursor: Cursor) -> Expression:
    at = cursor.at
    number = cursor.number()
    if number is not None:
        return Literal(at, number)
    text = cursor.string()
    if text is not None:
        return Literal(at, text)
    if cursor.accept("NULL"):
        return Literal(at, None)
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
        return _call(cursor, Path(at, (cursor.take().text,)))
    return Path(at, (cursor.name("an expression"),))


def _case(cursor: Cursor) -> Case:
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
    return Case(at, operand, tuple(branches), default)


def _cast(cursor: Cursor) -> Cast:
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
    return Cast(at, operand, written, attempt)


def _call(cursor: Cursor, name: Path) -> Expression:
    written = ".".join(name.names)
    cursor.expect_kind(TokenType.L_PAREN, "(")
    if cursor.is_word("SELECT"):
        raise NotStreamAnalytics(cursor.at, "a subquery", "name it as a step, with WITH, and JOIN it")
    distinct = cursor.accept("DISTINCT")
    starred = not distinct and cursor.accept_kind(TokenType.STAR)
    arguments: tuple[Expression, ...] = ()
    if not starred and (distinct or not cursor.is_kind(TokenType.R_PAREN)):
        arguments = cursor.commas(lambda: value(cursor))
    cursor.expect_kind(TokenType.R_PAREN, ")")
    if cursor.is_word("WITHIN", "GROUP"):
        if written.upper() in ("PERCENTILE_CONT", "PERCENTILE_DISC"):
            raise NotRunLocally(name.at, f"{written}()")
        raise NotStreamAnalytics(cursor.at, f"WITHIN GROUP of {written}()")
    over = _over(cursor) if cursor.is_word("OVER") and cursor.is_kind(TokenType.L_PAREN, 1) else None
    return Call(name.at, written, arguments, distinct, starred, over)


def _over(cursor: Cursor) -> Over:
    at = cursor.at
    cursor.take()
    cursor.take()
    partition: tuple[Expression, ...] = ()
    order: tuple[tuple[Expression, bool], ...] = ()
    if cursor.accept("PARTITION", "BY"):
        partition = cursor.commas(lambda: value(cursor))
    if cursor.accept("ORDER", "BY"):
        order = cursor.commas(lambda: _ordering(cursor))
    limit = None
    if cursor.accept("LIMIT"):
        found = value(cursor)
        if not isinstance(found, Call) or found.name.upper() != "DURATION":
            raise QuerySyntaxError(found.at, "expected DURATION(unit, number) after LIMIT")
        limit = found
    when = expression(cursor) if cursor.accept("WHEN") else None
    cursor.expect_kind(TokenType.R_PAREN, ")")
    return Over(at, partition, order, limit, when)


def _ordering(cursor: Cursor) -> tuple[Expression, bool]:
    key = value(cursor)
    if cursor.accept("DESC"):
        return key, True
    cursor.accept("ASC")
    return key, False
