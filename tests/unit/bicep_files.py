"""Reads the Bicep files for tests: pycep says what they declare, a scanner of our own what they refer to.

pycep leaves out what tells a string from a name, and resolves nothing; there is no Bicep compiler to ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from pycep import BicepParser

INFRA = Path(__file__).resolve().parents[2] / "infra"
MAIN = INFRA / "main.bicep"
FILES = sorted(INFRA.rglob("*.bicep"))
_KEYWORDS = frozenset(
    """
    param var resource module output for in if existing true false null targetScope
    string int bool object array subscription
    """.split()  # noqa: SIM905
)
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|//[^\n]*|\n|\s+|'|=>|::|\?\?|\.\?|.")


@dataclass(frozen=True)
class Token:
    """A word (`kind` name), the text of a string (text), or anything else (mark)."""

    kind: str
    value: str
    line: int


def name_of(file: Path) -> str:
    """The file as a test calls it."""
    return str(file.relative_to(INFRA))


@cache
def _parser() -> BicepParser:
    return BicepParser()


@cache
def parsed(file: Path) -> dict[str, Any]:
    """What pycep makes of a file: `parameters`, `variables`, `resources`, `modules`, `outputs`, each by name."""
    found: dict[str, Any] = dict(_parser().parse(text=file.read_text()))
    return {
        kind: found.get(kind, {}) for kind in ("parameters", "variables", "resources", "modules", "outputs", "globals")
    }


def tokens(file: Path) -> list[Token]:
    """The words of a file without comments; those inside `${...}` follow the string that they are in."""
    return list(_scan(file.read_text(), 1))


def _scan(text: str, line: int) -> Iterator[Token]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        assert found
        value = found.group()
        if value == "'":
            end, literal, inner = _string(text, position + 1)
            yield Token("text", literal, line)
            for expression in inner:
                yield Token("mark", "(", line)
                yield from _scan(expression, line)
                yield Token("mark", ")", line)
            position = end
            continue
        position = found.end()
        if value == "\n":
            yield Token("mark", value, line)
            line += 1
        elif value[0].isalpha() or value[0] == "_":
            yield Token("name", value, line)
        elif not value.isspace() and not value.startswith("//"):
            yield Token("mark", value, line)


def _string(text: str, position: int) -> tuple[int, str, list[str]]:
    """The end of a string, its text with `{}` for what is interpolated, and the expressions interpolated."""
    literal, inner = "", []
    while text[position] != "'":
        if text.startswith("${", position):
            start, depth = position + 2, 1
            position = start
            while depth:
                depth += {"{": 1, "}": -1}.get(text[position], 0)
                position += 1
            inner.append(text[start : position - 1])
            literal += "{}"
        else:
            literal += text[position]
            position += 1
    return position + 1, literal, inner


def declared(file: Path) -> set[str]:
    """Every name that the file declares at its top."""
    content = parsed(file)
    return {name for kind in ("parameters", "variables", "resources", "modules") for name in content[kind]}


def references(file: Path) -> list[Token]:
    """Every use of a name: no key, property, function, declaration or variable of a loop or lambda."""
    words = tokens(file)
    uses: list[Token] = []
    bound = _bound(words)
    for index, token in enumerate(words):
        before = words[index - 1].value if index else "\n"
        after = words[index + 1].value if index + 1 < len(words) else "\n"
        if token.kind != "name" or token.value in _KEYWORDS or token.value in bound:
            continue
        is_key = after == ":" and before in ("\n", "{", ",")
        is_declaration = before in ("param", "var", "resource", "module", "output")
        is_type = index > 1 and words[index - 2].value in ("param", "output")
        if not (is_key or is_declaration or is_type or before in (".", ".?", "@", "::") or after == "("):
            uses.append(token)
    return uses


def _bound(words: list[Token]) -> set[str]:
    names = set()
    for index, token in enumerate(words):
        if token.value == "for":
            until = next(place for place in range(index, len(words)) if words[place].value == "in")
            names |= {word.value for word in words[index + 1 : until] if word.kind == "name"}
        if token.value == "=>":
            names.add(words[index - 1].value)
    return names


def members(file: Path, name: str) -> set[tuple[str, ...]]:
    """The property chains that follow a name: `a.b.c` gives ("b", "c")."""
    words = tokens(file)
    chains = set()
    for index, token in enumerate(words):
        if token.value == name and token.kind == "name" and words[index - 1].value not in (".", ".?"):
            chain, place = [], index + 1
            while place + 1 < len(words) and words[place].value == "." and words[place + 1].kind == "name":
                chain.append(words[place + 1].value)
                place += 2
            if chain:
                chains.add(tuple(chain))
    return chains


def calls(file: Path) -> set[str]:
    """The functions that a file calls."""
    words = tokens(file)
    return {
        token.value
        for token, following in pairwise(words)
        if token.kind == "name" and following.value == "(" and token.value not in {"if", "for"}
    }


def body(declaration: dict[str, Any]) -> dict[str, Any]:
    """The object of a resource or module, inside its loop or condition."""
    config: dict[str, Any] = declaration["config"]
    while "config" in config and ("loop_type" in config or "condition" in config):
        config = config["config"]
    return config


def loop_over(declaration: dict[str, Any]) -> str | None:
    """The name of the array that a declaration loops over."""
    loop = declaration["config"].get("loop_type")
    return loop["detail"]["array_name"] if loop else None


def path_of(expression: Any) -> str:
    """A property access as dotted text: `roles.reader`, `deployer().objectId`; an index is left out."""
    if isinstance(expression, dict) and expression.get("function", {}).get("parameters") == {}:
        return f"{expression['function']['type']}()"
    if isinstance(expression, dict) and "operator" in expression:
        operands = expression["operator"]["operands"]
        if expression["operator"]["type"] == "property_accessor":
            return f"{path_of(operands['operand_1'])}.{path_of(operands['operand_2'])}"
        if expression["operator"]["type"] == "index_accessor":
            return path_of(operands["operand_1"])
    return str(expression)
