"""A request, read: the address, the headers that mean something, the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from local.cosmos.errors import BadRequest, RangeGone, StaleContainer
from local.cosmos.pages import PAGE_ITEMS

_CONSISTENCY_LEVELS: Final = ("session", "consistentprefix", "eventual")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `headers` are read without regard to case; `names` are the address's."""

    names: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes
    base_url: str

    def json(self) -> Any:
        """The body; raises `BadRequest` when it is not JSON."""
        try:
            return orjson.loads(self.body)
        except ValueError as error:
            raise BadRequest(f"The request payload is invalid. Ensure to provide a valid JSON: {error}") from None

    def flag(self, header: str) -> bool:
        return self.headers.get(header, "").lower() == "true"

    @property
    def is_query(self) -> bool:
        query_type = self.headers.get("content-type", "").lower().startswith("application/query+json")
        return query_type or self.flag("x-ms-documentdb-isquery")

    @property
    def partition_key(self) -> str | None:
        return self.headers.get("x-ms-documentdb-partitionkey")

    @property
    def if_match(self) -> str | None:
        return self.headers.get("if-match")

    @property
    def if_none_match(self) -> str | None:
        return self.headers.get("if-none-match")

    @property
    def wants_body(self) -> bool:
        return "return=minimal" not in self.headers.get("prefer", "").replace(" ", "")

    @property
    def continuation(self) -> str | None:
        return self.headers.get("x-ms-continuation")

    @property
    def crosses_partitions(self) -> bool:
        """The client said so, or names the ranges to read itself."""
        return self.flag("x-ms-documentdb-query-enablecrosspartition") or (
            "x-ms-documentdb-partitionkeyrangeid" in self.headers
        )

    @property
    def page_size(self) -> int:
        """Rows wanted at most; -1 leaves it to us."""
        text = self.headers.get("x-ms-max-item-count", "-1")
        try:
            size = int(text)
        except ValueError:
            size = 0
        if size == 0 or size < -1:
            raise BadRequest(f"The x-ms-max-item-count {text[:20]!r} is invalid: it must be -1 or a positive integer.")
        return PAGE_ITEMS if size == -1 else size

    def check_container(self, rid: str) -> None:
        """Raise `StaleContainer` when the client means a container of the same name that is gone."""
        intended = self.headers.get("x-ms-cosmos-intended-collection-rid")
        if intended is not None and intended != rid:
            raise StaleContainer("The intended collection resource id does not match the current one.")

    def check_triggers(self) -> None:
        """Raise `BadRequest` when the client wants a trigger to run: a write without it would not be what it asked."""
        for when in ("pre", "post"):
            if self.headers.get(f"x-ms-documentdb-{when}-trigger-include"):
                raise BadRequest(f"Unsupported: {when}-triggers. The local service does not have them.")

    def check_consistency(self) -> None:
        """Raise `BadRequest` when the client asks for more than the account has, which is session consistency."""
        level = self.headers.get("x-ms-consistency-level", "Session")
        if level.lower() not in _CONSISTENCY_LEVELS:
            raise BadRequest(
                f"ConsistencyLevel {level[:40]} specified in the request is invalid when service is configured with "
                "consistency level Session. Ensure the request consistency level is not stronger than the service "
                "consistency level."
            )

    def check_range(self) -> None:
        """Raise `RangeGone` when the client means another partition key range than the one there is."""
        range_ = self.headers.get("x-ms-documentdb-partitionkeyrangeid", "0")
        if range_.rpartition(",")[2] != "0":
            raise RangeGone(f"The partition key range {range_[:50]!r} does not exist: the only one is '0'.")
