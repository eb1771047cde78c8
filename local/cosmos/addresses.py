"""Request paths: which resource a URL names, and what the client signs for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import unquote

from local.cosmos.errors import BadRequest, NotFound

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Address:
    """A resource.

    Attributes:
        kind: "account", "databases", "database", "containers", "container", "documents", "document",
            "ranges", "offers" or "purge" (delete by partition key).
        names: the database, container and document in it, as far as it goes.
        resource_type: what the client signs as the type.
        resource_link: what the client signs as the link.
    """

    kind: str
    names: tuple[str, ...]
    resource_type: str
    resource_link: str

    def of_resource_ids(self, names: tuple[str, ...]) -> Address:
        """This address, whose names turned out to be resource ids (`_rid`), those of `names`.

        The client signs the last of them alone, in lower case:
        https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources#constructkeytoken
        """
        return replace(self, names=names, resource_link=self.names[-1].lower())


_KINDS = {
    (): "account",
    ("dbs",): "databases",
    ("dbs", "*"): "database",
    ("dbs", "*", "colls"): "containers",
    ("dbs", "*", "colls", "*"): "container",
    ("dbs", "*", "colls", "*", "docs"): "documents",
    ("dbs", "*", "colls", "*", "docs", "*"): "document",
    ("dbs", "*", "colls", "*", "pkranges"): "ranges",
    ("offers",): "offers",
}

NOT_SERVED = {
    ("dbs", "users"): "users and their permissions",
    ("dbs", "clientencryptionkeys"): "client encryption keys",
    ("dbs", "colls", "sprocs"): "stored procedures",
    ("dbs", "colls", "triggers"): "triggers",
    ("dbs", "colls", "udfs"): "user-defined functions",
    ("dbs", "colls", "conflicts"): "the conflict feed",
}
"""What the service has under a database or a container, and this one does not."""


@lru_cache(maxsize=1024)
def parse(raw_path: str) -> Address:
    """The resource that the path of a URL names; slashes at either end do not matter.

    Raises:
        BadRequest: an escape in it is malformed or not UTF-8, a name is empty, or the service alone has what it names.
        NotFound: no such kind of resource.
    """
    if _BAD_ESCAPE.search(raw_path):
        raise BadRequest("The request path is invalid: it has a malformed percent-encoding.")
    try:
        segments = [unquote(part, errors="strict") for part in raw_path.strip("/").split("/")]
    except UnicodeDecodeError:
        raise BadRequest("The request path is invalid: its percent-encoding is not UTF-8.") from None
    if segments == [""]:
        segments = []
    if not all(segments):
        raise BadRequest("The request path is invalid: it has an empty segment.")
    names = tuple(segments[1::2])
    if len(segments) == 6 and segments[4:] == ["operations", "partitionkeydelete"]:
        return Address("purge", names[:2], "colls", "/".join(segments[:4]))
    kind = _KINDS.get(tuple("*" if position % 2 else segment for position, segment in enumerate(segments)))
    if kind is None:
        collections = tuple(segments[::2])
        for named in (collections[:2], collections[:3]):
            if named in NOT_SERVED:
                raise BadRequest(f"Unsupported: {NOT_SERVED[named]}. The local service does not have them.")
        raise NotFound(f"The local service has no resource of this kind: /{raw_path.strip('/')[:200]}")
    if len(segments) % 2:
        return Address(kind, names, segments[-1], "/".join(segments[:-1]))
    return Address(kind, names, segments[-2] if segments else "", "/".join(segments))
