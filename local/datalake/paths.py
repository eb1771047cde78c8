"""Directories, and what is done to paths whole: properties, rename, delete, access control.

Azurite's namespace is flat. A directory is a marked blob, or only a prefix that something lies under; renaming one
copies each blob under it and then deletes the old ones: a crash in between leaves some in both places, none in neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from local.datalake.access import Access, created_access
from local.datalake.azurite import Answer, Azurite
from local.datalake.errors import Refused, bad_request, from_azurite, path_not_found
from local.datalake.leases import LEASED, check_lease, missing_lease
from local.datalake.listing import Entry, has_children, parse_blobs
from local.datalake.properties import (
    CONDITIONS,
    FOLDER,
    TAG_COUNT,
    WRITTEN_HERE,
    carried_headers,
    conditions,
    metadata_headers,
)
from local.datalake.target import Path, path_name

T = TypeVar("T")
AT_ONCE = 8  # blobs of a directory that are copied or deleted at the same time


class Paths:
    """Operations on paths of either kind."""

    def __init__(self, azurite: Azurite) -> None:
        self._azurite = azurite

    async def create_directory(self, path: Path, headers: Mapping[str, str], sas: str) -> Answer:
        """Mark a directory; one that exists stays, with the metadata given.

        Raises:
            Refused: 409, it exists and must not (If-None-Match: *), or a file has its name.
        """
        now = await self._azurite.head(path, sas)
        if now is not None and FOLDER not in now:
            raise already_exists(path)
        if headers.get("if-none-match") == "*" and await has_children(self._azurite, path, sas):
            raise already_exists(path)
        metadata = metadata_headers(headers.get("x-ms-properties", "")) | created_access(headers, is_directory=True)
        guard = conditions(headers, "x-ms-lease-id")
        sent = {"x-ms-blob-type": "BlockBlob", **metadata, FOLDER: "true", **WRITTEN_HERE, **guard}
        return await self._azurite.checked("PUT", path, headers=sent, sas=sas)

    async def properties(self, path: Path, sas: str) -> tuple[Mapping[str, str], bool]:
        """A path's headers, and whether it is a directory.

        Raises:
            Refused: 404, there is no such path.
        """
        if not path.name:
            return (await self._azurite.checked("HEAD", path, {"restype": "container"}, sas=sas)).headers, True
        if (now := await self._azurite.head(path, sas)) is not None:
            return now, FOLDER in now
        if await has_children(self._azurite, path, sas):
            return {}, True
        raise path_not_found(str(path))

    async def set_access(self, path: Path, headers: Mapping[str, str], sas: str) -> Mapping[str, str]:
        """Keep the owner, group, permissions or ACL that the request sets."""
        now, is_directory = await self.properties(path, sas)
        access = Access.of_blob(now, is_directory=is_directory).changed(headers)
        if "etag" not in now:  # a directory that only its content shows
            now = {**(await self.create_directory(path, {}, sas)).headers, FOLDER: "true"}
        metadata = {name: value for name, value in carried_headers(now).items() if name.startswith("x-ms-meta-")}
        sent = {**metadata, **access.as_metadata(), **conditions(headers, "x-ms-lease-id")}
        query = {"comp": "metadata"} if path.name else {"comp": "metadata", "restype": "container"}
        return (await self._azurite.checked("PUT", path, query, sent, sas=sas)).headers

    async def rename(self, source: Path, target: Path, headers: Mapping[str, str], sas: str) -> Mapping[str, str]:
        """Move a file, or a directory with all that lies under it; a file or an empty directory gives way.

        Raises:
            Refused: 404 SourcePathNotFound; 409, the target is a directory with content, or lies in the source; 412, a
                condition does not hold, or a lease on the source or on something in it is not the caller's.
        """
        now, is_directory = await self._source(source, sas)
        if source == target:
            return now
        if f"{target}/".startswith(f"{source}/"):
            raise Refused(409, "InvalidRenameSourcePath", f"{source} cannot move into itself, to {target}.")
        if await has_children(self._azurite, target, sas):
            raise already_exists(target)
        if is_directory and headers.get("if-none-match") == "*" and await self._azurite.head(target, sas) is not None:
            raise already_exists(target)
        lease = headers.get("x-ms-source-lease-id")
        # Before anything is copied: a refusal must leave the target as it is.
        if lease or now.get("x-ms-lease-state") in LEASED:
            await check_lease(self._azurite, source, lease, sas)
        if not is_directory:
            return await self._move(source, target, now, headers, lease, sas)
        return await self._move_tree(source, target, now, lease, sas)

    async def delete_directory(self, path: Path, headers: Mapping[str, str], sas: str, *, recursive: bool) -> None:
        """Delete a directory and, if `recursive`, all that lies under it.

        Raises:
            Refused: 409 DirectoryNotEmpty; 412, something in it is leased.
        """
        below = [blob async for blob in self._blobs_under(path, sas)]
        if below and not recursive:
            message = "The recursive query parameter value must be true to delete a non-empty directory."
            raise Refused(409, "DirectoryNotEmpty", message)
        _refuse_leased(path, below)
        await _each(below, lambda blob: self._azurite.checked("DELETE", Path(path.file_system, blob.name), sas=sas))
        mark = await self._azurite.call("DELETE", path, headers=conditions(headers, "x-ms-lease-id"), sas=sas)
        if not mark.ok and mark.status != 404:
            raise from_azurite(mark.status, mark.headers.get("x-ms-error-code"), mark.body)

    async def _source(self, source: Path, sas: str) -> tuple[Mapping[str, str], bool]:
        try:
            return await self.properties(source, sas)
        except Refused as refused:
            if refused.status != 404:
                raise
            raise Refused(404, "SourcePathNotFound", f"The source path does not exist: {source}") from None

    async def _move(
        self,
        source: Path,
        target: Path,
        now: Mapping[str, str],
        headers: Mapping[str, str],
        lease: str | None,
        sas: str,
    ) -> Mapping[str, str]:
        asked = conditions(headers, "x-ms-lease-id", *(f"x-ms-source-{name}" for name in CONDITIONS))
        guard = {"x-ms-source-if-match": now["etag"]} | asked
        copied = await self._copy(source, target, guard, sas, tagged=TAG_COUNT in now)
        held = {"if-match": now["etag"], **({"x-ms-lease-id": lease} if lease else {})}
        await self._azurite.checked("DELETE", source, headers=held, sas=sas)
        return copied

    async def _move_tree(
        self, source: Path, target: Path, now: Mapping[str, str], lease: str | None, sas: str
    ) -> Mapping[str, str]:
        def places(blob: Entry) -> tuple[Path, Path]:
            moved_to = target.name + blob.name[len(source.name) :]
            return Path(source.file_system, blob.name), Path(target.file_system, moved_to)

        async def copy(blob: Entry) -> None:
            old, new = places(blob)
            await self._copy(old, new, {}, sas, tagged=blob.tagged)

        async def delete(blob: Entry) -> None:
            old, new = places(blob)
            try:
                await self._azurite.checked("DELETE", old, headers={"if-match": blob.etag}, sas=sas)
            except Refused as refused:
                if refused.code != "ConditionNotMet":
                    raise
                # It was written since it was listed, and perhaps since it was copied.
                written = await self._azurite.checked("HEAD", old, sas=sas)
                await self._move(old, new, written.headers, {}, None, sas)

        below = [blob async for blob in self._blobs_under(source, sas)]
        _refuse_leased(source, below)
        marked = FOLDER in now
        moved = await self._copy(source, target, {}, sas, tagged=True) if marked else now
        await _each(below, copy)
        await _each(below, delete)
        if marked:
            await self._azurite.checked("DELETE", source, headers={"x-ms-lease-id": lease} if lease else {}, sas=sas)
        return moved

    async def _copy(
        self, source: Path, target: Path, guard: Mapping[str, str], sas: str, *, tagged: bool
    ) -> Mapping[str, str]:
        tags = WRITTEN_HERE if tagged else {}  # Azurite copies metadata and content, not tags
        sent = {"x-ms-copy-source": self._azurite.source_url(source, sas), **tags, **guard}
        return (await self._azurite.checked("PUT", target, headers=sent, sas=sas)).headers

    async def _blobs_under(self, directory: Path, sas: str) -> AsyncIterator[Entry]:
        query = {"restype": "container", "comp": "list", "include": "tags", "prefix": f"{directory.name}/"}
        marker = ""
        while True:
            wanted = query | ({"marker": marker} if marker else {})
            answer = await self._azurite.checked("GET", Path(directory.file_system, ""), wanted, sas=sas)
            entries, marker = parse_blobs(answer.body)
            for entry in entries:
                yield entry
            if not marker:
                return


def parse_rename_source(header: str, account: str) -> tuple[Path, str]:
    """The path in x-ms-rename-source (`/filesystem/path`, percent-encoded), and the SAS behind it, if any.

    Args:
        header: its value.
        account: left out where the path begins with it: Go's and JavaScript's SDKs send the path of the source's URL,
            and here, unlike in Azure, that has the account.

    Raises:
        Refused: 400 InvalidRenameSourcePath.
    """
    encoded, _, sas = header.partition("?")
    first, _, rest = encoded.strip("/").partition("/")
    file_system, _, name = rest.partition("/") if first == account and "/" in rest else (first, "", rest)
    if not encoded.startswith("/") or not file_system or not name:
        raise bad_request("InvalidRenameSourcePath", f"x-ms-rename-source is not /filesystem/path: {header}")
    return Path(file_system, path_name(name)), sas


def already_exists(path: Path) -> Refused:
    return Refused(409, "PathAlreadyExists", f"The specified path already exists: {path}")


def _refuse_leased(directory: Path, below: Sequence[Entry]) -> None:
    """Before anything of a directory goes: nothing of it may be leased."""
    if leased := next((blob for blob in below if blob.leased), None):
        raise missing_lease(Path(directory.file_system, leased.name))


async def _each(items: Sequence[T], act: Callable[[T], Awaitable[object]]) -> None:
    """`act` on every item, a few at a time. The first failure ends it, and is raised."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> None:
        async with turn:
            await act(item)

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(one(item))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
