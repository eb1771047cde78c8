"""Route templates as ASP.NET Core writes them, in the subset that functions use: `orders/{id:int}/{view?}`, `{*path}`.

https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_CONSTRAINTS = {
    "int": r"-?\d+",
    "long": r"-?\d+",
    "bool": r"(?i:true|false)",
    "alpha": r"[A-Za-z]+",
    "guid": r"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}",
    "decimal": r"-?\d+(?:\.\d+)?",
    "double": r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?",
    "float": r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?",
    "required": r"[^/]+",
}
_PARAMETER = re.compile(r"\{(?P<star>\*{0,2})(?P<name>\w+)(?::(?P<constraint>[^?}]+))?(?P<optional>\?)?\}")


@dataclass(frozen=True)
class Route:
    """A compiled template. `precedence` orders templates that match the same path: the smaller is the more specific."""

    template: str
    pattern: re.Pattern[str]
    precedence: tuple[int, ...]

    @classmethod
    def parse(cls, template: str) -> Route:
        """Compile a template.

        Raises:
            ValueError: a constraint that is not known, a segment that is not a template, or a name that comes twice.
        """
        expression, precedence = "", []
        segments = [segment for segment in template.strip("/").split("/") if segment]
        for index, segment in enumerate(segments):
            expression += _segment(segment, first=index == 0, template=template)
            precedence.append(_rank(segment))
        try:
            pattern = re.compile(expression, re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"route {template!r}: {error.msg}") from None
        return cls(template.strip("/"), pattern, tuple(precedence))

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a path (percent-encoded, without a leading slash); None when it is not this route.

        >>> Route.parse("orders/{id:int}/{view?}").match("orders/7")
        {'id': '7'}
        """
        found = self.pattern.fullmatch(path.strip("/"))
        if found is None:
            return None
        return {name: unquote(value) for name, value in found.groupdict().items() if value is not None}


def _segment(segment: str, *, first: bool, template: str) -> str:
    slash = "" if first else "/"
    whole = _PARAMETER.fullmatch(segment)
    if whole and whole["star"]:
        return f"(?:{slash}(?P<{whole['name']}>.*))?"
    if whole and whole["optional"]:
        return f"(?:{slash}{_group(whole, template)})?"
    expression, position = slash, 0
    for match in _PARAMETER.finditer(segment):
        expression += re.escape(segment[position : match.start()]) + _group(match, template)
        position = match.end()
    rest = segment[position:]
    if "{" in rest or "}" in rest:
        raise ValueError(f"route {template!r}: {segment!r} is not a template segment; write {{name}} or {{name:int}}")
    return expression + re.escape(rest)


def _group(match: re.Match[str], template: str) -> str:
    constraint = match["constraint"]
    expression = "[^/]+"
    if constraint:
        if constraint not in _CONSTRAINTS:
            raise ValueError(
                f"route {template!r}: constraint {constraint!r} is not known here; known are {', '.join(_CONSTRAINTS)}"
            )
        expression = _CONSTRAINTS[constraint]
    return f"(?P<{match['name']}>{expression})"


def _rank(segment: str) -> int:
    whole = _PARAMETER.fullmatch(segment)
    if whole is None:
        return 0 if "{" not in segment else 1
    if whole["star"]:
        return 4
    return 2 if whole["constraint"] else 3
