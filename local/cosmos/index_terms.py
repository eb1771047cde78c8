"""Which values of a document an indexing policy indexes: a write pays for every term that it adds or removes.

Nothing is indexed here; this only counts, for the charge, and knows what the service could sort by. Source:
https://learn.microsoft.com/azure/cosmos-db/index-policy: the longest path that fits decides, and `id` and `_ts` are
always indexed unless the mode is "none".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from local.cosmos.errors import BadRequest
from local.cosmos.partition_key import split_path

_ALWAYS = ("id", "_ts")
_ALWAYS_ALONE = frozenset((name,) for name in _ALWAYS)
_NEVER = frozenset(("_rid", "_self", "_etag", "_attachments"))
_ELEMENTS = "[]"


class IndexTerms:
    """Counts terms by one policy."""

    def __init__(self, policy: dict[str, Any]) -> None:
        """`policy` is that of a container's body; raises `BadRequest` when its paths are malformed."""
        included, excluded = policy.get("includedPaths", [{"path": "/*"}]), policy.get("excludedPaths", [])
        if not isinstance(included, list) or not isinstance(excluded, list):
            raise BadRequest("The indexing policy is malformed: includedPaths and excludedPaths must be arrays.")
        self._is_off = policy.get("indexingMode") == "none"
        self._rules = [
            *((*_rule(item), True) for item in included),
            *((*_rule(item), False) for item in excluded),
        ]
        self._takes_all = not any(steps and steps[0] not in _NEVER for steps, _, _ in self._rules) and any(
            indexed and subtree and not steps for steps, subtree, indexed in self._rules
        )

    def count(self, document: dict[str, Any]) -> int:
        """How many terms `document` has."""
        return sum(self._count(name, value) for name, value in document.items())

    def changed(self, old: dict[str, Any], new: dict[str, Any]) -> int:
        """How many terms are removed and added when `new` takes the place of `old`."""
        changed = 0
        for name, value in new.items():
            if name not in old:
                changed += self._count(name, value)
            elif value != old[name]:
                changed += self._count(name, value) + self._count(name, old[name])
        return changed + sum(self._count(name, value) for name, value in old.items() if name not in new)

    def has_index(self, path: Sequence[str | int], *, computed: bool = False) -> bool:
        """Whether the values at `path` are in an index that sorts them.

        Args:
            computed: it is a computed property, which /* does not mean.
        """
        steps = tuple(_ELEMENTS if type(step) is int else str(step) for step in path)
        return not self._is_off and (steps in _ALWAYS_ALONE or self._is_indexed(steps, least=int(computed)))

    def _count(self, name: str, value: Any) -> int:
        if self._is_off or name in _NEVER:
            return 0
        if name in _ALWAYS:
            return 1
        if type(value) is not dict and type(value) is not list:
            return 1 if self._takes_all or self._is_indexed((name,)) else 0
        return sum(1 for path in _leaves((name,), value) if self._takes_all or self._is_indexed(path))

    def _is_indexed(self, path: tuple[str, ...], least: int = 0) -> bool:
        """By the longest rule that fits, of those with `least` steps or more."""
        longest, indexed = -1, False
        for steps, subtree, includes in self._rules:
            fits = len(steps) >= least and path[: len(steps)] == steps and (subtree or len(path) == len(steps))
            if fits and len(steps) + (not subtree) > longest:
                longest, indexed = len(steps) + (not subtree), includes
        return indexed


def _rule(item: Any) -> tuple[tuple[str, ...], bool]:
    """(the steps of a path of a policy, whether it means all that is below)."""
    path = item.get("path") if isinstance(item, dict) else None
    if not isinstance(path, str):
        raise BadRequest("The indexing policy is malformed: includedPaths and excludedPaths must be [{path}, ...].")
    if path[-2:] not in ("/*", "/?"):
        raise BadRequest(
            f"The indexing path '{path}' could not be accepted: it must end in /? for the value itself, or in /* for "
            "all that is below."
        )
    return (split_path(path[:-2]) if path != "/*" else ()), path.endswith("*")


def _leaves(path: tuple[str, ...], value: Any) -> Iterator[tuple[str, ...]]:
    """The paths of the values in `value` that are no objects and no arrays."""
    if type(value) is dict:
        for name, part in value.items():
            yield from _leaves((*path, name), part)
    elif type(value) is list:
        for part in value:
            yield from _leaves((*path, _ELEMENTS), part)
    else:
        yield path
