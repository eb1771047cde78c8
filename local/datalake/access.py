"""Owner, group, permissions and ACL of a path: kept and given back as they were set, never enforced.

With the account key a caller is the superuser, in ADLS too, so there is nobody here whom an ACL could refuse. They are
kept in the blob's metadata (as Hadoop's driver keeps permissions on flat storage), so a rename takes them along, and
Set Blob Metadata without them clears them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

from local.datalake.errors import bad_request

KEPT_IN = "x-ms-meta-hdi_permission"
_CREATED_WITH = ("x-ms-permissions", "x-ms-umask", "x-ms-acl", "x-ms-owner", "x-ms-group")
_SYMBOLIC = re.compile(r"[r-][w-][x-][r-][w-][x-][r-][w-][xtT-]")
_OCTAL = re.compile(r"[01]?([0-7])([0-7])([0-7])")
_ENTRY = re.compile(r"(default:)?(user|group|mask|other):([^:,]*):([r-][w-][x-])")


@dataclass(frozen=True)
class Access:
    """Who owns a path and who may do what, in POSIX's symbols."""

    owner: str
    group: str
    permissions: str
    acl: str

    @classmethod
    def default(cls, *, is_directory: bool) -> Self:
        """What ADLS gives a new path of the superuser's (umask 0027)."""
        permissions = "rwxr-x---" if is_directory else "rw-r-----"
        return cls("$superuser", "$superuser", permissions, _acl_of(permissions))

    @classmethod
    def of_blob(cls, headers: Mapping[str, str], *, is_directory: bool) -> Self:
        """What was set on a blob, from its properties."""
        kept = headers.get(KEPT_IN)
        return cls(**json.loads(kept)) if kept else cls.default(is_directory=is_directory)

    def changed(self, headers: Mapping[str, str]) -> Self:
        """With what a Set Access Control request sets.

        Raises:
            Refused: 400, permissions or ACL are malformed, or both are given.
        """
        permissions, acl = headers.get("x-ms-permissions"), headers.get("x-ms-acl")
        if permissions and acl:
            raise bad_request("InvalidHeaderValue", "Give x-ms-permissions or x-ms-acl, not both.")
        new = replace(
            self, owner=headers.get("x-ms-owner") or self.owner, group=headers.get("x-ms-group") or self.group
        )
        if permissions:
            symbolic = _symbolic(permissions)
            return replace(new, permissions=symbolic, acl=_acl_of(symbolic))
        if acl:
            return replace(new, permissions=_permissions_of(acl), acl=acl)
        return new

    def as_headers(self) -> dict[str, str]:
        return {
            "x-ms-owner": self.owner,
            "x-ms-group": self.group,
            "x-ms-permissions": self.permissions,
            "x-ms-acl": self.acl,
        }

    def as_metadata(self) -> dict[str, str]:
        return {KEPT_IN: json.dumps(asdict(self), separators=(",", ":"))}


def created_access(headers: Mapping[str, str], *, is_directory: bool) -> dict[str, str]:
    """The metadata that keeps what a Create request says of access; nothing when it says nothing.

    Raises:
        Refused: 400, permissions, umask or ACL are malformed.
    """
    if not any(headers.get(name) for name in _CREATED_WITH):
        return {}
    wanted = dict(headers)
    if not headers.get("x-ms-acl"):
        # https://learn.microsoft.com/rest/api/storageservices/datalakestoragegen2/path/create: p and not u
        full = headers.get("x-ms-permissions") or ("0777" if is_directory else "0666")
        mask = _symbolic(headers.get("x-ms-umask") or "0027")
        pairs = zip(_symbolic(full), mask, strict=True)
        wanted["x-ms-permissions"] = "".join("-" if masked != "-" else bit for bit, masked in pairs)
    return Access.default(is_directory=is_directory).changed(wanted).as_metadata()


def _acl_of(permissions: str) -> str:
    return f"user::{permissions[:3]},group::{permissions[3:6]},other::{permissions[6:9].lower().replace('t', 'x')}"


def _permissions_of(acl: str) -> str:
    found = {}
    for entry in acl.split(","):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise bad_request("InvalidHeaderValue", f"x-ms-acl: not [scope:]type:id:rwx: {entry}")
        if not match[1] and not match[3]:
            found[match[2]] = match[4]
    missing = [kind for kind in ("user", "group", "other") if kind not in found]
    if missing:
        raise bad_request("InvalidHeaderValue", f"x-ms-acl has no entry for the owning {missing[0]}.")
    return found["user"] + found.get("mask", found["group"]) + found["other"]


def _symbolic(permissions: str) -> str:
    if _SYMBOLIC.fullmatch(permissions):
        return permissions
    if octal := _OCTAL.fullmatch(permissions):
        return "".join(_bits(int(digit)) for digit in octal.groups())
    raise bad_request("InvalidHeaderValue", f"x-ms-permissions: not rwxr-x--- or 0750: {permissions}")


def _bits(digit: int) -> str:
    return "".join(letter if digit & bit else "-" for letter, bit in zip("rwx", (4, 2, 1), strict=True))
