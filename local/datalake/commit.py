"""Committing a file's appended pieces to Azurite, in as few calls as they allow.

A fresh file whose pieces are in memory is one Put Blob. Otherwise pieces become blocks, and a block list commits them
behind the blocks that the file already has; content that was put whole is staged as a block first, once.
"""

from __future__ import annotations

import base64
import uuid
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from local.datalake.azurite import Answer, Azurite
from local.datalake.properties import WRITTEN_HERE, blob_content_headers, conditions
from local.datalake.target import Path
from local.datalake.uncommitted import InMemory, Piece, Staged, Uncommitted


@dataclass
class OpenFile:
    """What we know of a file that is being written. The etag guards it: Azurite refuses a commit when it is stale.

    `leased` says that there was a lease on it: whether there still is, Azurite knows.
    """

    etag: str
    length: int
    carried: dict[str, str]
    leased: bool = False
    uncommitted: Uncommitted = field(default_factory=Uncommitted)


async def commit(
    azurite: Azurite, path: Path, file: OpenFile, position: int, headers: Mapping[str, str], sas: str
) -> Answer:
    """Make byte `position` the end of the file, and `file` what it is then.

    Raises:
        Refused: 400, the pieces do not reach `position`; 412 ConditionNotMet, `file` is stale.
    """
    pieces = file.uncommitted.between(file.length, position)
    carried = file.carried | blob_content_headers(headers)
    guard = {**conditions(headers, "x-ms-lease-id"), "if-match": file.etag}
    if not pieces:
        content = {name: value for name, value in carried.items() if name.startswith("x-ms-blob-")}
        answer = await azurite.checked("PUT", path, {"comp": "properties"}, {**content, **guard}, sas=sas)
    elif not file.length and all(isinstance(piece, InMemory) for piece in pieces):
        sent = {"x-ms-blob-type": "BlockBlob", **carried, **WRITTEN_HERE, **guard}
        answer = await azurite.checked("PUT", path, headers=sent, body=_joined(pieces), sas=sas)
    else:
        blocks = await _committed_blocks(azurite, path, file, guard, sas) if file.length else []
        blocks += [("Uncommitted", block) for block in await _staged(azurite, path, pieces, guard, sas)]
        sent = {**carried, **WRITTEN_HERE, **guard}
        answer = await azurite.checked("PUT", path, {"comp": "blocklist"}, sent, _block_list(blocks), sas=sas)
    file.carried, file.etag, file.length = carried, answer.headers["etag"], position
    return answer


async def stage(
    azurite: Azurite,
    path: Path,
    body: bytes | AsyncIterator[bytes],
    length: int,
    headers: Mapping[str, str],
    sas: str,
) -> Staged:
    """Put `length` bytes as an uncommitted block; `headers` may hold their Content-MD5, and the lease."""
    block = base64.b64encode(uuid.uuid4().bytes).decode()  # ids of one blob must be of one length
    sent = {name: headers[name] for name in ("content-md5", "x-ms-lease-id") if name in headers}
    query = {"comp": "block", "blockid": block}
    await azurite.checked("PUT", path, query, sent, body, length, sas)
    return Staged(block, length)


async def _staged(
    azurite: Azurite, path: Path, pieces: Sequence[Piece], headers: Mapping[str, str], sas: str
) -> list[str]:
    """The block ids of `pieces`; neighbours in memory share a block."""
    blocks = []
    for in_memory, run in groupby(pieces, key=lambda piece: isinstance(piece, InMemory)):
        if in_memory:
            content = _joined(list(run))
            blocks.append((await stage(azurite, path, content, len(content), headers, sas)).block_id)
        else:
            blocks += [piece.block_id for piece in run if isinstance(piece, Staged)]
    return blocks


async def _committed_blocks(
    azurite: Azurite, path: Path, file: OpenFile, headers: Mapping[str, str], sas: str
) -> list[tuple[str, str]]:
    answer = await azurite.checked("GET", path, {"comp": "blocklist", "blocklisttype": "committed"}, sas=sas)
    root = ET.fromstring(answer.body.decode("utf-8-sig"))
    blocks = [(block.findtext("Name", ""), int(block.findtext("Size", "0"))) for block in root.iter("Block")]
    if sum(size for _, size in blocks) == file.length:
        return [("Committed", name) for name, _ in blocks]
    whole = await azurite.checked("GET", path, headers={"if-match": file.etag}, sas=sas)
    staged = await stage(azurite, path, whole.body, len(whole.body), headers, sas)
    return [("Uncommitted", staged.block_id)]


def _joined(pieces: Sequence[Piece]) -> bytes:
    return b"".join(piece.content for piece in pieces if isinstance(piece, InMemory))


def _block_list(blocks: Sequence[tuple[str, str]]) -> bytes:
    inner = "".join(f"<{kind}>{block}</{kind}>" for kind, block in blocks)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{inner}</BlockList>'.encode()
