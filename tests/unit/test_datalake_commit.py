"""How many calls of Azurite's a file costs, and what happens when somebody else writes it meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from local.datalake import files
from local.datalake.azurite import Answer
from local.datalake.errors import Refused
from local.datalake.files import Files
from local.datalake.target import Path

FILE = Path("events", "a")


class RecordingAzurite:
    """One blob, with an etag that every write changes; it writes down the calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.content: bytes | None = None
        self.version = 0
        self.staged: dict[str, bytes] = {}
        self.committed: list[tuple[str, bytes]] = []

    async def call(
        self,
        method: str,
        path: Path,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = b"",
        length: int | None = None,
        sas: str = "",
    ) -> Answer:
        comp = (query or {}).get("comp", "blob")
        data = body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])
        self.calls.append(f"{method} {comp} {len(data)}" if comp != "blocklist" else f"{method} {comp}")
        wanted = (headers or {}).get("if-match")
        if wanted and wanted != f'"{self.version}"':
            return self._answer(412, {"x-ms-error-code": "ConditionNotMet"})
        match method, comp:
            case "PUT", "blob":
                self.write(data)
            case "PUT", "block":
                self.staged[(query or {})["blockid"]] = data
            case "PUT", "blocklist":
                known = self.staged | dict(self.committed)
                ids = [part.partition(">")[2] for part in data.decode().split("</")][:-2]
                names = [name.rpartition(">")[2] for name in ids]
                blocks = [(name, known[name]) for name in names]
                self.write(b"".join(block for _, block in blocks))
                self.committed = blocks
            case "GET", "blocklist":
                listed = "".join(f"<Block><Name>{n}</Name><Size>{len(b)}</Size></Block>" for n, b in self.committed)
                return self._answer(200, {}, f"<BlockList>{listed}</BlockList>".encode())
            case "GET", _:
                return self._answer(200, {}, self.content or b"")
        return self._answer(201, {})

    async def checked(self, *arguments: Any, **options: Any) -> Answer:
        answer = await self.call(*arguments, **options)
        if not answer.ok:
            raise Refused(answer.status, answer.headers["x-ms-error-code"], "")
        if arguments[0] == "HEAD":
            known = {"content-length": str(len(self.content or b"")), "x-ms-tag-count": "1"}
            return self._answer(200, known)
        return answer

    def write(self, content: bytes) -> None:
        self.content, self.version, self.committed = content, self.version + 1, []

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> Answer:
        return Answer(status, CIMultiDictProxy(CIMultiDict({"etag": f'"{self.version}"', **headers})), body)


@pytest.fixture
def azurite() -> RecordingAzurite:
    return RecordingAzurite()


@pytest.fixture
def open_files(azurite: RecordingAzurite) -> Files:
    return Files(azurite)  # type: ignore[arg-type]


async def body(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def append(open_files: Files, position: int, content: bytes) -> None:
    await open_files.append(FILE, position, {}, len(content), body(content), "")


async def flush(open_files: Files, position: int, headers: Mapping[str, str] | None = None) -> None:
    await open_files.flush(FILE, position, headers or {}, "", retain=False, close=False)


async def test_a_small_file_is_one_put_when_created_and_one_when_flushed(
    azurite: RecordingAzurite, open_files: Files
) -> None:
    await open_files.create(FILE, {}, "")
    await append(open_files, 0, b"one,")
    await append(open_files, 4, b"two")
    await flush(open_files, 7)
    assert azurite.calls == ["PUT blob 0", "PUT blob 7"]
    assert azurite.content == b"one,two"


async def test_appending_to_what_was_put_whole_makes_it_blocks_once(
    azurite: RecordingAzurite, open_files: Files
) -> None:
    await open_files.create(FILE, {}, "")
    await append(open_files, 0, b"one,")
    await flush(open_files, 4)
    azurite.calls.clear()
    await append(open_files, 4, b"two,")
    await flush(open_files, 8)
    assert azurite.calls == ["GET blocklist", "GET blob 0", "PUT block 4", "PUT block 4", "PUT blocklist"]
    azurite.calls.clear()
    await append(open_files, 8, b"three")
    await flush(open_files, 13)
    assert azurite.calls == ["GET blocklist", "PUT block 5", "PUT blocklist"]
    assert azurite.content == b"one,two,three"


async def test_what_is_held_in_memory_is_bounded(
    azurite: RecordingAzurite, open_files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "HELD_PER_APPEND", 4)
    monkeypatch.setattr(files, "HELD_IN_ALL", 6)
    await open_files.create(FILE, {}, "")
    await append(open_files, 0, b"held")
    await append(open_files, 4, b"large")
    await append(open_files, 9, b"full")
    assert azurite.calls == ["PUT blob 0", "PUT block 5", "PUT block 4"]
    await flush(open_files, 13)
    assert azurite.content == b"heldlargefull"
    azurite.calls.clear()
    await append(open_files, 13, b"held")
    assert azurite.calls == [], "a flush gives back what it held"


async def test_a_write_in_between_is_seen_and_a_condition_on_the_old_version_fails(
    azurite: RecordingAzurite, open_files: Files
) -> None:
    await open_files.create(FILE, {}, "")
    await append(open_files, 0, b"ours")
    azurite.version += 1  # somebody set metadata
    with pytest.raises(Refused, match="412 ConditionNotMet"):
        await flush(open_files, 4, {"if-match": '"1"'})
    await flush(open_files, 4)
    assert azurite.content == b"ours"

    await append(open_files, 4, b" more")
    azurite.write(b"somebody else's")
    with pytest.raises(Refused, match="400 InvalidFlushPosition"):
        await flush(open_files, 9)
    assert azurite.content == b"somebody else's"


async def test_a_flush_whose_answer_was_lost_can_be_retried(azurite: RecordingAzurite, open_files: Files) -> None:
    await open_files.create(FILE, {}, "")
    await append(open_files, 0, b"content")
    azurite.write(b"content")  # the first flush got there, its answer did not get back
    await flush(open_files, 7)
    assert azurite.content == b"content"
