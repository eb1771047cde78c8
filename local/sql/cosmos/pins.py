"""What a WHERE pins down: the paths that must equal one of some constants, so that whoever reads can read less."""

from __future__ import annotations

from typing import Any, TypeAlias

from local.sql.cosmos import tree
from local.sql.cosmos.expressions import constant, path_of
from local.sql.cosmos.scope import Scope
from local.sql.cosmos.values import UNDEFINED

Path: TypeAlias = tuple[str | int, ...]


def document_path(node: tree.Expression, scope: Scope) -> Path | None:
    """Where in the document `node` reads, if it is a path in it and not the document itself."""
    path = path_of(node, scope)
    start = scope.paths.get(path[0]) if path else None
    return (*start, *path[1]) or None if path and start is not None else None


def pins(node: tree.Expression | None, scope: Scope) -> dict[Path, list[Any]]:
    """For every path that must equal one of some constants for `node` to hold: the path, and the constants."""
    if isinstance(node, tree.Connective) and node.word == "AND":
        found: dict[Path, list[Any]] = {}
        for part in (pins(operand, scope) for operand in node.operands):
            for path, values in part.items():
                if path not in found or len(values) < len(found[path]):
                    found[path] = values
        return found
    if isinstance(node, tree.Connective):
        branches = [pins(operand, scope) for operand in node.operands]
        everywhere = [path for path in branches[0] if all(path in branch for branch in branches)]
        return {path: [value for branch in branches for value in branch[path]] for path in everywhere}
    if isinstance(node, tree.In):
        member = document_path(node.operand, scope)
        listed = [constant(choice, scope) for choice in node.choices]
        if member and not any(value is UNDEFINED for value in listed):
            return {member: listed}
    if isinstance(node, tree.Call) and node.name == "ARRAY_CONTAINS" and len(node.arguments) == 2:
        member, array = document_path(node.arguments[1], scope), constant(node.arguments[0], scope)
        if member and type(array) is list:
            return {member: array}
    if isinstance(node, tree.Binary) and node.sign == "=":
        for left, right in ((node.left, node.right), (node.right, node.left)):
            compared, value = document_path(left, scope), constant(right, scope)
            if compared and value is not UNDEFINED:
                return {compared: [value]}
    return {}
