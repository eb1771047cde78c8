"""Listing paths: Azurite's flat, paged list of blobs as ADLS's tree of directories and files.

A directory is there when it was created (a blob marked as a folder) or when something lies under it, so one that was
never created appears just before the first thing in it.
"""

from __future__ import annotations

import base64
import binascii
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from local.datalake.access import Access
from local.datalake.azurite import Azurite
from local.datalake.errors import bad_request, path_not_found
from local.datalake.leases import LEASED
from local.datalake.properties import FOLDER
from local.datalake.target import Path

PAGE = 5000  # paths in an answer, unless maxResults says less: the service's own limit
_AFTER = "\ufffd"  # a marker of `prefix/` and this passes over all that lies under the prefix
_EPOCH_1601 = 11_644_473_600  # seconds from 1601, where Windows file times start, to 1970


@dataclass(frozen=True)
class Entry:
    """One blob, or one directory that only its content shows (no etag)."""

    name: str
    is_directory: bool
    length: int = 0
    etag: str = ""
    last_modified: str = ""
    created: str = ""
    tagged: bool = False
    leased: bool = False

    def as_json(self) -> dict[str, str]:
        """As the service writes it: strings throughout."""
        access = Access.default(is_directory=self.is_directory)
        fields = {
            "name": self.name,
            "contentLength": str(self.length),
            "owner": access.owner,
            "group": access.group,
            "permissions": access.permissions,
        }
        # Nobody knows those of a directory that only its content shows; Java's SDK fails to read an empty time.
        if self.etag:
            fields |= {"etag": self.etag, "lastModified": self.last_modified}
        if self.created:
            fields["creationTime"] = str(_file_time(parsedate_to_datetime(self.created)))
        if self.is_directory:
            fields["isDirectory"] = "true"
        return fields


@dataclass(frozen=True)
class Token:
    """Where a page ended: Azurite's marker, and how many entries of what follows it were already given."""

    marker: str = ""
    given: int = 0

    def encode(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.marker, self.given]).encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Token:
        """Raises: Refused: 400, not one of ours."""
        try:
            marker, given = json.loads(base64.urlsafe_b64decode(text))
            return cls(str(marker), int(given))
        except (binascii.Error, ValueError, TypeError):
            raise bad_request("InvalidQueryParameterValue", "continuation is not a token of this service.") from None


def parse_blobs(xml: bytes) -> tuple[list[Entry], str]:
    """Azurite's List Blobs answer as entries in order of name, and its next marker ('' at the end)."""
    root = ET.fromstring(xml.decode("utf-8-sig"))
    entries = [
        Entry(
            blob.findtext("Name", ""),
            blob.find("Metadata/hdi_isfolder") is not None,
            int(blob.findtext("Properties/Content-Length", "0")),
            blob.findtext("Properties/Etag", ""),
            blob.findtext("Properties/Last-Modified", ""),
            blob.findtext("Properties/Creation-Time", ""),
            blob.find("Tags/TagSet/Tag") is not None,
            blob.findtext("Properties/LeaseState", "") in LEASED,
        )
        for blob in root.iter("Blob")
    ]
    entries += [Entry(prefix.findtext("Name", ""), True) for prefix in root.iter("BlobPrefix")]
    return sorted(entries, key=lambda entry: entry.name), root.findtext("NextMarker", "")


def with_directories(entries: Iterable[Entry], root: str, before: str, marked: set[str]) -> Iterator[list[Entry]]:
    """For each entry, itself and before it the directories that it is the first to show.

    Args:
        entries: in order of name; a name that ends in a slash stands for all that lies under it.
        root: the directory that is listed ('' or ending in a slash): it and what is above it are not given.
        before: the name that came before the first entry.
        marked: directories that are blobs themselves, so must not be given again; grows.
    """
    for entry in entries:
        found = []
        parts = entry.name[len(root) :].rstrip("/").split("/")
        shown = parts if entry.name.endswith("/") else parts[:-1]
        for depth in range(1, len(shown) + 1):
            directory = root + "/".join(shown[:depth])
            if not before.startswith(f"{directory}/") and directory not in marked:
                found.append(Entry(directory, True))
        if not entry.name.endswith("/"):
            found.append(entry)
            if entry.is_directory:
                marked.add(entry.name)
        before = entry.name
        yield found


async def list_paths(
    azurite: Azurite, directory: Path, *, recursive: bool, limit: int, continuation: str, sas: str
) -> tuple[list[Entry], str]:
    """A page of the paths under `directory`, and the continuation token of the next ('' at the end).

    Raises:
        Refused: 404, no such file system or directory; 400, not our token.
    """
    file_system = Path(directory.file_system, "")
    root = f"{directory.name}/" if directory.name else ""
    token = Token.decode(continuation) if continuation else Token()
    query = {"restype": "container", "comp": "list", "include": "metadata", "prefix": root}
    if not recursive:
        query["delimiter"] = "/"
    page: list[Entry] = []
    marked: set[str] = set()
    while True:
        query |= {"maxresults": str(min(limit + 1, PAGE))} | ({"marker": token.marker} if token.marker else {})
        answer = await azurite.checked("GET", file_system, query, sas=sas)
        entries, next_marker = parse_blobs(answer.body)
        if token.marker:
            marked |= await _marked_before(azurite, directory.file_system, entries, token.marker, sas)
        for entry, found in zip(entries, with_directories(entries, root, token.marker, marked), strict=True):
            for given, path in enumerate(found):
                if given < token.given:
                    continue
                if len(page) == limit:
                    return page, Token(token.marker, given).encode()
                page.append(path)
            token = Token(f"{entry.name}{_AFTER}" if entry.name.endswith("/") else entry.name)
        if not next_marker:
            break
        token = Token(next_marker)
    if not page and not continuation and directory.name and not await exists(azurite, directory, sas):
        raise path_not_found(str(directory))
    return page, ""


async def exists(azurite: Azurite, directory: Path, sas: str) -> bool:
    """Whether `directory` is marked, or something lies under it."""
    return await _is_marked(azurite, directory, sas) or await has_children(azurite, directory, sas)


async def has_children(azurite: Azurite, directory: Path, sas: str) -> bool:
    query = {"restype": "container", "comp": "list", "prefix": f"{directory.name}/", "maxresults": "1"}
    answer = await azurite.checked("GET", Path(directory.file_system, ""), query, sas=sas)
    return bool(parse_blobs(answer.body)[0])


async def _is_marked(azurite: Azurite, directory: Path, sas: str) -> bool:
    return FOLDER in (await azurite.head(directory, sas) or {})


async def _marked_before(azurite: Azurite, file_system: str, entries: list[Entry], marker: str, sas: str) -> set[str]:
    """Directories of `entries` whose own blob an earlier page gave, as with `a`, `a-b`, `a/c`: rare, so asked for."""
    above = {name[:at] for name in (entry.name for entry in entries) for at, c in enumerate(name) if c == "/"}
    unsure = {name for name in above if name <= marker and not marker.startswith(f"{name}/")}
    return {name for name in unsure if await _is_marked(azurite, Path(file_system, name), sas)}


def _file_time(when: datetime) -> int:
    """Windows file time: 100 ns ticks since 1601."""
    return int((when.timestamp() + _EPOCH_1601) * 10_000_000)
