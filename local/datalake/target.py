"""What a request is about: the account, file system and path in its URL, and which DFS operation it is, if any.

DFS and blob calls arrive on one port. An operation that only the DFS endpoint has is told by its query; whatever is not
one of these is a blob call, and goes to Azurite as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import unquote

from local.datalake.errors import Refused, bad_request
from local.datalake.shared_key import parse_query

LONGEST_PATH = 1024  # characters: https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata


class Operation(StrEnum):
    """The calls we translate; BLOB is every other one."""

    CREATE = "create"
    RENAME = "rename"
    APPEND = "append"
    FLUSH = "flush"
    SET_ACCESS = "set access control"
    GET_ACCESS = "get access control"
    GET_STATUS = "get status"
    LIST = "list paths"
    DELETE = "delete"
    READ_PROPERTIES = "properties"
    BLOB = "blob call"


_UPDATES = {
    "append": Operation.APPEND,
    "flush": Operation.FLUSH,
    "setAccessControl": Operation.SET_ACCESS,
}
_HEAD_ACTIONS = {"getAccessControl": Operation.GET_ACCESS, "getStatus": Operation.GET_STATUS}


# Leases taken in passing, expiry, and bodies or checksums in the CRC64 format.
UNSUPPORTED = (
    "x-ms-lease-action", "x-ms-proposed-lease-id", "x-ms-expiry-option", "x-ms-structured-body", "x-ms-content-crc64",
)  # fmt: skip


@dataclass(frozen=True)
class Path:
    """A file or directory: its file system, and its name in it without slashes at the ends ('' is the root)."""

    file_system: str
    name: str

    def __str__(self) -> str:
        return f"{self.file_system}/{self.name}"


@dataclass(frozen=True)
class Target:
    """The parsed request line."""

    method: str
    raw_path: str
    raw_query: str
    account: str
    path: Path
    query: Mapping[str, str]

    @property
    def signed_by_query(self) -> bool:
        """Whether a shared access signature authorises it."""
        return "sig" in self.query

    def replaces_content(self) -> bool:
        """Whether this, as a blob call, writes the blob or takes it away (setting metadata or a lease does not)."""
        return self.method in ("PUT", "DELETE") and self.query.get("comp") in (None, "blocklist", "appendblock", "page")


def parse_target(method: str, raw_target: str) -> Target:
    """Read a request target (path and query, percent-encoded).

    Raises:
        Refused: 400, the target is not a path, or its encoding is broken.
    """
    raw_path, _, raw_query = raw_target.partition("?")
    if not raw_path.startswith("/"):
        raise bad_request("InvalidUri", "The requested URI does not represent any resource on the server.")
    account, _, rest = raw_path[1:].partition("/")
    file_system, _, name = rest.partition("/")
    return Target(
        method, raw_path, raw_query, account, Path(file_system, path_name(name)), dict(parse_query(raw_query))
    )


def rename_target(target: Target, headers: Mapping[str, str], account: str) -> Target:
    """Complete the target of a rename that lacks the account, because its source has it.

    So @azure/storage-file-datalake sends `move` to addresses with the account in their path, as ours and Azurite's are:
    it takes whole paths for `/filesystem/path` (`DataLakePathClient.move`).
    """
    source = headers.get("x-ms-rename-source", "")
    if target.method != "PUT" or target.account == account or not source.startswith(f"/{account}/"):
        return target
    file_system, _, name = target.raw_path[1:].partition("/")
    return replace(target, account=account, path=Path(file_system, path_name(name)))


def path_name(encoded: str) -> str:
    """Decode a path's name, without slashes at its ends."""
    try:
        name = unquote(encoded, errors="strict").strip("/")
    except UnicodeDecodeError:
        raise bad_request("InvalidUri", "The path is not UTF-8, percent-encoded.") from None
    if len(name) > LONGEST_PATH:
        raise bad_request("InvalidUri", f"The path is longer than {LONGEST_PATH} characters.")
    return name


def operation_of(target: Target, headers: Mapping[str, str]) -> Operation:
    """Which operation a request asks for.

    Args:
        target: the parsed request line.
        headers: all headers, by lower-case name.

    Raises:
        Refused: an `action` or `resource` that the DFS endpoint does not have.
    """
    query, in_file_system = target.query, bool(target.path.file_system)
    match target.method:
        case "PUT" if target.path.name and "x-ms-rename-source" in headers:
            return Operation.RENAME
        case "PUT" if target.path.name and query.get("resource") in ("file", "directory"):
            return Operation.CREATE
        case "PATCH":
            return _update(query.get("action"))
        case "GET" if query.get("resource") == "filesystem" and in_file_system:
            return Operation.LIST
        case "HEAD" if query.get("action") in _HEAD_ACTIONS:
            return _HEAD_ACTIONS[query["action"]]
        case "HEAD" if target.path.name and "snapshot" not in query and "comp" not in query:
            return Operation.READ_PROPERTIES
        case "DELETE" if target.path.name and "snapshot" not in query and "x-ms-delete-snapshots" not in headers:
            return Operation.DELETE
    if "resource" in query and query["resource"] != "account":
        raise bad_request("InvalidQueryParameterValue", f"resource={query['resource']} is not for {target.method}.")
    return Operation.BLOB


def refuse_unsupported(headers: Mapping[str, str]) -> None:
    """Refuse what we would otherwise ignore, and so get wrong.

    Raises:
        Refused: 400 UnsupportedHeader.
    """
    for name in UNSUPPORTED:
        if name in headers:
            raise bad_request("UnsupportedHeader", f"{name} is not supported by the local Data Lake endpoint.")


def _update(action: str | None) -> Operation:
    if action is None:
        raise bad_request("MissingRequiredQueryParameter", "PATCH needs the query parameter `action`.")
    if action not in _UPDATES:
        known = ", ".join(_UPDATES)
        raise Refused(400, "InvalidQueryParameterValue", f"action={action} is not one of {known}.")
    return _UPDATES[action]
