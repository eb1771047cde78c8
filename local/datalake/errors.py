"""What the Data Lake endpoint refuses, in ADLS Gen2's words: a status, a code and a message.

Refused              any error answer
+-- Unauthorised     the signature is missing, old, malformed or wrong
+-- Busy             Azurite did not answer (in time); SDKs retry it
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

# Azurite speaks of blobs and containers; a client of the DFS endpoint expects the codes of paths and file systems.
# https://learn.microsoft.com/rest/api/storageservices/data-lake-storage-gen2
_DFS_CODES = {
    "BlobNotFound": ("PathNotFound", "The specified path does not exist."),
    "ContainerNotFound": ("FilesystemNotFound", "The specified filesystem does not exist."),
    "ContainerAlreadyExists": ("FilesystemAlreadyExists", "The specified filesystem already exists."),
    "ContainerBeingDeleted": ("FilesystemBeingDeleted", "The specified filesystem is being deleted."),
    "BlobAlreadyExists": ("PathAlreadyExists", "The specified path already exists."),
}


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> bytes:
        """The JSON that ADLS Gen2 sends: https://learn.microsoft.com/rest/api/storageservices/data-lake-storage-gen2."""
        return json.dumps({"error": {"code": self.code, "message": self.message}}).encode()


class Unauthorised(Refused):
    """403 (or 401, for no credentials at all)."""

    def __init__(self, message: str, *, status: int = 403, code: str = "AuthenticationFailed") -> None:
        super().__init__(status, code, f"Server failed to authenticate the request: {message}")


class Busy(Refused):
    """503 ServerBusy."""

    def __init__(self, message: str) -> None:
        super().__init__(503, "ServerBusy", message)


def bad_request(code: str, message: str) -> Refused:
    return Refused(400, code, message)


def path_not_found(path: str) -> Refused:
    return Refused(404, "PathNotFound", f"The specified path does not exist: {path}")


def condition_not_met() -> Refused:
    return Refused(
        412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."
    )  # fmt: skip


def from_azurite(status: int, code: str | None, body: bytes) -> Refused:
    """Translate an error answer of Azurite (its code is in x-ms-error-code, its message in an XML body)."""
    message = ""
    try:
        root = ET.fromstring(body.decode("utf-8-sig"))
        code = code or root.findtext("Code")
        message = (root.findtext("Message") or "").partition("\n")[0]
    except (ET.ParseError, UnicodeDecodeError):
        pass  # HEAD has no body
    if code in _DFS_CODES:
        code, message = _DFS_CODES[code]
    return Refused(status, code or "InternalError", message or f"Azurite answered {status}.")
