"""What the token stream of a Cosmos DB query must look like, where sqlglot would let more pass than the service does.

sqlglot reads many dialects and forgives: a comma too many, ALL, a second ASC, a stray colon vanish without a trace. A
query that runs on a laptop and is refused in Azure helps nobody, so each is refused here, before parsing.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import Token, TokenType

from local.sql.errors import QuerySyntaxError, UnsupportedConstruct

_CLAUSES = frozenset((TokenType.FROM, TokenType.WHERE, TokenType.ORDER_BY, TokenType.GROUP_BY))
_NOT_BEFORE_COMMA = _CLAUSES | {
    TokenType.COMMA, TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.SELECT, TokenType.TOP,
    TokenType.ALIAS, TokenType.DOT,
}  # fmt: skip
_NOT_AFTER_COMMA = _CLAUSES | {TokenType.COMMA, TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_NEVER = frozenset((TokenType.SEMICOLON, TokenType.PIPE_GT))
_NEVER_TOGETHER = frozenset(
    (
        (TokenType.SELECT, TokenType.ALIAS),
        (TokenType.ASC, TokenType.DESC),
        (TokenType.DESC, TokenType.ASC),
        (TokenType.ASC, TokenType.ASC),
        (TokenType.DESC, TokenType.DESC),
        (TokenType.DOT, TokenType.COLON),
        (TokenType.ALIAS, TokenType.COLON),
    )
)


def check(tokens: Sequence[Token]) -> None:
    """Raise unless `tokens` could be one query.

    Raises:
        QuerySyntaxError: naming the token that is out of place.
        UnsupportedConstruct: the ternary operator, ALL.
    """
    if not tokens or tokens[0].token_type is not TokenType.SELECT:
        raise QuerySyntaxError(tokens[0].text if tokens else "end of query")
    braces = 0
    for index, token in enumerate(tokens):
        before = tokens[index - 1].token_type if index else None
        after = tokens[index + 1].token_type if index + 1 < len(tokens) else None
        kind = token.token_type
        braces += kind is TokenType.L_BRACE
        if (before, kind) in _NEVER_TOGETHER:
            raise QuerySyntaxError(token.text)
        if before is TokenType.DOT:
            continue  # a property's name: the parser knows which may be one
        if kind is TokenType.PLACEHOLDER:
            raise UnsupportedConstruct("? :")
        if kind is TokenType.ALL:
            raise UnsupportedConstruct("ALL")
        if kind is TokenType.COMMA and index > 1 and tokens[index - 2].token_type is TokenType.TOP:
            raise QuerySyntaxError(",")
        if kind is TokenType.COMMA and (before in _NOT_BEFORE_COMMA or after in _NOT_AFTER_COMMA or after is None):
            raise QuerySyntaxError(",")
        if kind is TokenType.ALIAS and (after in _NOT_AFTER_COMMA or after is None):
            raise QuerySyntaxError(token.text)
        if kind in _NEVER or (kind is TokenType.COLON and not braces):
            raise QuerySyntaxError(token.text)
