"""Creating, appending to and flushing files: Gen2's append model on block blobs.

A created file is in Azurite at once, empty, as in ADLS. Appends are held in memory while they are small, and staged as
blocks when they are not. A flush is answered when Azurite has committed it. What was appended and not flushed is lost
when this process ends, as ADLS promises nothing about it either: the flush then fails with InvalidFlushPosition, and
the writer starts over.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping

from local.datalake.access import created_access
from local.datalake.azurite import Answer, Azurite
from local.datalake.commit import OpenFile, commit, stage
from local.datalake.errors import Refused, bad_request, condition_not_met
from local.datalake.leases import LEASED, check_lease
from local.datalake.properties import (
    FOLDER,
    TAG_COUNT,
    WRITTEN_HERE,
    blob_content_headers,
    carried_headers,
    conditions,
    metadata_headers,
)
from local.datalake.target import Path
from local.datalake.uncommitted import InMemory, Piece

HELD_PER_APPEND = 4 * 1024 * 1024  # bytes; a larger append is staged
HELD_IN_ALL = 64 * 1024 * 1024  # bytes; beyond it every append is staged
OPEN_FILES = 4096  # files without uncommitted data that we remember, to save asking Azurite


class Files:
    """The files of an account that are being written through us."""

    def __init__(self, azurite: Azurite) -> None:
        self._azurite = azurite
        self._open: OrderedDict[Path, OpenFile] = OrderedDict()
        self._locks: dict[Path, tuple[asyncio.Lock, int]] = {}
        self._held = 0

    def forget(self, path: Path) -> None:
        """Something else wrote `path`, or it is gone: what was appended to it is void."""
        if file := self._open.pop(path, None):
            with self._accounting(file):
                file.uncommitted.forget_before(None)

    def forget_in(self, directory: Path) -> None:
        """A directory (or file, or file system) is gone with all in it."""
        under = f"{directory}".rstrip("/") + "/"
        for path in [known for known in self._open if f"{known}/".startswith(under)]:
            self.forget(path)

    def lease_changed(self, path: Path) -> None:
        """A lease on `path` was taken, given up or broken."""
        if file := self._open.get(path):
            file.leased = True

    async def create(self, path: Path, headers: Mapping[str, str], sas: str) -> Answer:
        """Create an empty file, or empty an existing one (unless the request's conditions forbid it)."""
        carried = {"x-ms-blob-content-type": "application/octet-stream"} | blob_content_headers(headers)
        carried |= metadata_headers(headers.get("x-ms-properties", "")) | created_access(headers, is_directory=False)
        sent = {"x-ms-blob-type": "BlockBlob", **carried, **WRITTEN_HERE, **conditions(headers, "x-ms-lease-id")}
        async with self._locked(path):
            answer = await self._azurite.checked("PUT", path, headers=sent, sas=sas)
            self.forget(path)
            # A file that is written anew stays leased.
            self._remember(path, OpenFile(answer.headers["etag"], 0, carried, leased="x-ms-lease-id" in headers))
        return answer

    async def append(
        self, path: Path, position: int, headers: Mapping[str, str], length: int, body: AsyncIterator[bytes], sas: str
    ) -> None:
        """Take `length` bytes for byte `position` of the file.

        Raises:
            Refused: no such file (404), it was written by the Blob API (409), the position lies in what is
                committed (400), the content does not match its Content-MD5 (400), or somebody else holds a lease (412).
        """
        piece: Piece
        # Azurite verifies shared access signatures, so what comes with one goes there before it is taken.
        if not sas and length <= HELD_PER_APPEND and self._held + length <= HELD_IN_ALL:
            content = b"".join([chunk async for chunk in body])
            _check_md5(content, headers.get("content-md5"))
            piece = InMemory(content)
        else:
            async with self._locked(path):
                await self._file(path, sas)  # before its bytes travel, may they?
            piece = await stage(self._azurite, path, body, length, headers, sas)
        async with self._locked(path):
            file = await self._file(path, sas)
            if file.leased:
                await check_lease(self._azurite, path, headers.get("x-ms-lease-id"), sas)
            if position < file.length:
                raise bad_request("InvalidFlushPosition", f"{position} is below what is flushed: {file.length}.")
            with self._accounting(file):
                file.uncommitted.add(position, piece)

    async def flush(
        self, path: Path, position: int, headers: Mapping[str, str], sas: str, *, retain: bool, close: bool
    ) -> Answer:
        """Commit what was appended below byte `position`, which becomes the file's length.

        Raises:
            Refused: no such file (404), written by the Blob API (409), a gap below `position` (400), a condition
                or a lease that does not hold (412).
        """
        async with self._locked(path):
            file = await self._file(path, sas)
            answer = await self._try_flush(path, file, position, headers, sas)
            if answer is None:  # somebody else wrote, or set metadata
                await self._refresh(path, file, sas)
                answer = await self._try_flush(path, file, position, headers, sas)
            if answer is None:
                raise condition_not_met()
            with self._accounting(file):
                file.uncommitted.forget_before(position if retain else None)
            if close:
                self.forget(path)
            return answer

    async def _try_flush(
        self, path: Path, file: OpenFile, position: int, headers: Mapping[str, str], sas: str
    ) -> Answer | None:
        """Azurite's answer, or None when a condition does not hold for the etag that we know."""
        if not _allowed(headers, file.etag):
            return None
        try:
            return await commit(self._azurite, path, file, position, headers, sas)
        except Refused as refused:
            if refused.code != "ConditionNotMet":
                raise
            return None

    async def _file(self, path: Path, sas: str) -> OpenFile:
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        file = OpenFile("", 0, {})
        await self._refresh(path, file, sas)
        self._remember(path, file)
        return file

    async def _refresh(self, path: Path, file: OpenFile, sas: str) -> None:
        try:
            now = (await self._azurite.checked("HEAD", path, sas=sas)).headers
        except Refused as refused:
            if refused.status == 404:
                self.forget(path)
            raise
        if FOLDER in now:
            raise Refused(409, "ResourceTypeMismatch", f"{path} is a directory.")
        if TAG_COUNT not in now:
            raise Refused(
                409,
                "InvalidFlushOperation",
                "The resource was created or modified by the Blob Service API and cannot be written to by the Data "
                "Lake Storage Service API.",
            )
        file.etag, file.length, file.carried = now["etag"], int(now["content-length"]), carried_headers(now)
        file.leased = file.leased or now.get("x-ms-lease-state") in LEASED
        with self._accounting(file):
            file.uncommitted.forget_before(file.length)

    def _remember(self, path: Path, file: OpenFile) -> None:
        self._open[path] = file
        while len(self._open) > OPEN_FILES:
            idle = next((known for known, other in self._open.items() if not other.uncommitted), None)
            if idle is None or idle == path:
                break
            del self._open[idle]

    @contextlib.contextmanager
    def _accounting(self, file: OpenFile) -> Iterator[None]:
        before = file.uncommitted.bytes_in_memory
        yield
        self._held += file.uncommitted.bytes_in_memory - before

    @contextlib.asynccontextmanager
    async def _locked(self, path: Path) -> AsyncIterator[None]:
        lock, users = self._locks.get(path, (asyncio.Lock(), 0))
        self._locks[path] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[path]
            if users == 1:
                del self._locks[path]
            else:
                self._locks[path] = (lock, users - 1)


def _allowed(headers: Mapping[str, str], etag: str) -> bool:
    """Whether If-Match and If-None-Match hold for a file that exists with `etag`."""
    wanted, unwanted = headers.get("if-match"), headers.get("if-none-match")
    return wanted in (None, "", "*", etag) and unwanted != "*" and (unwanted is None or unwanted != etag)


def _check_md5(content: bytes, expected: str | None) -> None:
    if expected and base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode() != expected:
        raise bad_request("Md5Mismatch", "The MD5 value specified in the request did not match what was received.")
