"""The dead letters of the Data Lake: `stage=.../date=.../hour=.../*.jsonl` in the file system `dead-letters`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceNotFoundError

from tools.dead_letters.letter import DeadLetter, assemble

if TYPE_CHECKING:
    from azure.storage.filedatalake import FileSystemClient, PathProperties

FILE_SYSTEM = "dead-letters"
_SUFFIX = ".jsonl"
# Downloads on the wire at once: a file is small and a request takes tens of milliseconds.
_DOWNLOADS = 8
# A file is written after the letters in it failed, by a clock that may not be the store's.
_CLOCK_SKEW = timedelta(minutes=5)


def read(
    lake: FileSystemClient, stage: str | None = None, reason: str | None = None, since: datetime | None = None
) -> list[DeadLetter]:
    """The letters, oldest failure first.

    Args:
        lake: the file system.
        stage: only those of this stage: only its files are read.
        reason: only those refused for this reason.
        since: only those that failed at this time or later: older files are not read.

    Raises:
        UnreadableLetter: a file holds something else.
    """
    paths = [path.name for path in _files(lake, stage) if since is None or _last_modified(path) >= since - _CLOCK_SKEW]
    with ThreadPoolExecutor(_DOWNLOADS) as pool:
        contents = list(pool.map(_download(lake), paths))
    letters = assemble(zip(paths, contents, strict=True))
    chosen = [
        letter
        for letter in letters
        if (reason is None or letter.reason == reason) and (since is None or _failed_at(letter) >= since)
    ]
    return sorted(
        chosen, key=lambda letter: (letter.failed_at, letter.hub, letter.partition, letter.sequence, letter.index)
    )


def _files(lake: FileSystemClient, stage: str | None) -> Iterator[PathProperties]:
    try:
        for path in lake.get_paths(path=f"stage={stage}" if stage else None, recursive=True):
            if not path.is_directory and path.name.endswith(_SUFFIX):
                yield path
    except ResourceNotFoundError:
        return  # no stage has written any yet


def _download(lake: FileSystemClient) -> Callable[[str], bytes]:
    def download(path: str) -> bytes:
        try:
            return lake.get_file_client(path).download_file().readall()
        except ResourceNotFoundError:
            return b""  # withdrawn since it was listed: a worker that lost its partition had begun it

    return download


def _last_modified(path: PathProperties) -> datetime:
    modified = path.last_modified
    return modified if modified.tzinfo else modified.replace(tzinfo=UTC)


def _failed_at(letter: DeadLetter) -> datetime:
    return datetime.fromisoformat(letter.failed_at)
