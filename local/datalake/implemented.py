"""What of Data Lake Storage Gen2 is here: the operations by the one that tells them apart, the rest by hand."""

from __future__ import annotations

from typing import Final

from local.datalake.target import UNSUPPORTED, Operation
from local.ledger import Entry, Ledger, Table

_OPERATIONS: Final[dict[Operation, tuple[str, str]]] = {
    Operation.CREATE: ("Path - Create", "files and directories, with properties, permissions and conditions"),
    Operation.RENAME: ("Path - Create, with a rename source", "a file at once; a directory blob by blob"),
    Operation.APPEND: ("Path - Update, append", "at a position; what is not flushed is lost with the process"),
    Operation.FLUSH: ("Path - Update, flush", "with `close` and `retainUncommittedData`"),
    Operation.SET_ACCESS: ("Path - Update, set access control", "kept and given back; nobody is refused by it"),
    Operation.GET_ACCESS: ("Path - Get Properties, access control", ""),
    Operation.GET_STATUS: ("Path - Get Properties, status", ""),
    Operation.LIST: ("Path - List", "of a directory, recursive or not, paged"),
    Operation.DELETE: ("Path - Delete", "a directory recursively, blob by blob"),
    Operation.READ_PROPERTIES: ("Path - Get Properties", ""),
    Operation.BLOB: (
        "Blob calls", "all that Azurite has: file systems, reading, leases, metadata, block blobs, copies"
    ),
}  # fmt: skip

_OTHERS: Final = (
    Entry("Path - Update, set properties of many (`setAccessControlRecursive`)", here=False, note="400"),
    Entry("Path - Update, set properties", here=False, note="400; Set Blob Metadata and Set Blob Properties are here"),
    Entry("Path - Lease", note="as blob leases; leases taken in passing by another call are refused"),
    Entry("Path - Read", note="as Get Blob: ranges, conditions"),
    Entry("Filesystem - Create, Delete, List, Get and Set Properties", note="as containers"),
    Entry("Deleted paths, undelete, snapshots of directories", here=False),
    Entry("Expiry of files", here=False, note="400"),
    Entry("Query (Select) of a file", here=False),
)  # fmt: skip

_FEATURES: Final = (
    Entry("Shared Key", note="the signature and its date are checked"),
    Entry("Shared access signatures", note="checked by Azurite"),
    Entry("Microsoft Entra ID", here=False),
    Entry("Conditions", note="etags and times, of the path and of a rename's source"),
    Entry("Enforced access control", here=False, note="with the account key a caller is the superuser, in Azure too"),
    Entry("A hierarchical namespace", here=False, note="a directory is there while something is in it"),
    Entry("Paths", note="up to 1,024 characters, percent-encoded UTF-8"),
)  # fmt: skip


def ledger() -> Ledger:
    """What is here.

    Raises:
        KeyError: there is an operation that nothing is said about.
    """
    operations = [Entry(_OPERATIONS[operation][0], True, _OPERATIONS[operation][1]) for operation in Operation]
    refused = [Entry(f"`{name}`", here=False, note="400 UnsupportedHeader") for name in UNSUPPORTED]
    return Ledger(
        "Data Lake Storage Gen2",
        "`python -m local.datalake` answers the DFS and the blob API on one port, in front of Azurite, which has the "
        "blob API alone.",
        (
            Table("Operations", (*operations, *_OTHERS)),
            Table("Features", _FEATURES),
            Table("Request headers that are refused", refused),
        ),
    )
