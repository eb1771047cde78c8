"""A Data Lake in memory, as `Files` uses it, that can fail before or after any of its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError, ServiceRequestError


class Lake:
    """Blobs by path. `on_call` is asked before and after each call, and may raise; `turn` lets others go first."""

    def __init__(self) -> None:
        self.blobs: dict[str, tuple[str, bytes]] = {}
        self.calls: list[str] = []
        self.on_call: Callable[[str], None] = lambda _: None
        self.turn: Callable[[], Awaitable[None]] = partial(asyncio.sleep, 0)
        self._etags = 0

    def called(self, what: str) -> None:
        self.calls.append(what)
        self.on_call(what)

    def fail_at(self, number: int) -> None:
        """Fail the `number`-th call from now (a call counts twice: before it is done, and after)."""
        left = number

        def fail(what: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise ServiceRequestError(f"connection lost at: {what}")

        self.on_call = fail

    @property
    def files(self) -> dict[str, bytes]:
        """The data, without ledgers."""
        return {path: data for path, (_, data) in self.blobs.items() if path[0] != "_"}

    def lines(self) -> list[bytes]:
        return [line for _, data in sorted(self.files.items()) for line in data.splitlines()]

    def get_blob_client(self, blob: str) -> Blob:
        return Blob(self, blob)

    def next_etag(self) -> str:
        self._etags += 1
        return f'"{self._etags}"'


class _Stored:
    def __init__(self, etag: str, data: bytes) -> None:
        self._data = data
        self.properties = type("Properties", (), {"etag": etag})

    async def readall(self) -> bytes:
        return self._data


class Blob:
    def __init__(self, lake: Lake, path: str) -> None:
        self._lake, self._path = lake, path

    async def download_blob(self) -> _Stored:
        await self._lake.turn()
        self._lake.called(f"get {self._path}")
        if self._path not in self._lake.blobs:
            raise ResourceNotFoundError(self._path)
        return _Stored(*self._lake.blobs[self._path])

    async def upload_blob(
        self, data: bytes, *, overwrite: bool, match_condition: MatchConditions | None = None, etag: str | None = None
    ) -> dict[str, str]:
        assert overwrite
        await self._lake.turn()
        self._lake.called(f"put {self._path}")
        now = self._lake.blobs.get(self._path)
        if match_condition is MatchConditions.IfMissing and now is not None:
            raise ResourceExistsError(self._path)
        if match_condition is MatchConditions.IfNotModified and (now is None or now[0] != etag):
            raise ResourceModifiedError(self._path)
        new = self._lake.next_etag()
        self._lake.blobs[self._path] = (new, data)
        self._lake.called(f"stored {self._path}")
        return {"etag": new}

    async def delete_blob(self) -> None:
        await self._lake.turn()
        self._lake.called(f"delete {self._path}")
        if self._lake.blobs.pop(self._path, None) is None:
            raise ResourceNotFoundError(self._path)
        self._lake.called(f"deleted {self._path}")
