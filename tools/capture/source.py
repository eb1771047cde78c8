"""Where a captured file is: on this disk or in Blob storage; read from front to back, a few megabytes at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from azure.core.exceptions import ResourceNotFoundError

from shared.settings import SettingsError
from tools import clients
from tools.errors import UsageError

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, ContainerClient

_READ_BYTES = 1024 * 1024
# A block holds events of at most 1 MB each. A damaged file may claim one of any size: that must not be waited for.
_BLOCK_BYTES = 256 * 1024 * 1024


class Source(Protocol):
    """What a reader of Avro needs: the next `size` bytes, fewer only at the end, and how many there were so far."""

    def read(self, size: int, /) -> bytes: ...

    def tell(self) -> int: ...


class Chunks:
    """Chunks of any size as a source; holds no more than what is asked for and one chunk."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = b""
        self._position = 0
        self._given = 0

    def tell(self) -> int:
        return self._given

    def read(self, size: int, /) -> bytes:
        """See `Source`.

        Raises:
            ValueError: `size` is none.
        """
        if not 0 <= size <= _BLOCK_BYTES:
            raise ValueError(f"a block claims {size} bytes")
        taken = self._take(size)
        if len(taken) == size:
            return taken
        parts, missing = [taken], size - len(taken)
        while missing and (chunk := next(self._chunks, None)) is not None:
            self._chunk, self._position = chunk, 0
            parts.append(self._take(missing))
            missing -= len(parts[-1])
        return b"".join(parts)

    def _take(self, size: int) -> bytes:
        taken = self._chunk[self._position : self._position + size]
        self._position += len(taken)
        self._given += len(taken)
        return taken


@contextlib.contextmanager
def opened(name: str, settings: Mapping[str, str], container: str, account_url: str | None) -> Iterator[Source]:
    """The file or blob called `name`.

    Args:
        name: a path on this disk if there is such a file; otherwise a blob's name in `container`, or its URL.
        settings: how to reach the account.
        container: where blobs are.
        account_url: the account to reach with an identity instead of the settings' one.

    Raises:
        UsageError: there is no such file and no such blob, or the file cannot be read.
        SettingsError: there is no such file, and no account to look for a blob in.
    """
    if os.path.exists(name):
        with contextlib.closing(_read(Path(name))) as pieces:
            yield Chunks(pieces)
        return
    with _account(name, settings, account_url) as account:
        container, blob = _locate(name, account, container)
        with account.get_container_client(container) as where:
            yield Chunks(_downloaded(where, container, blob, name))


def _account(name: str, settings: Mapping[str, str], account_url: str | None) -> BlobServiceClient:
    try:
        return clients.blobs(settings, account_url)
    except SettingsError as error:
        raise SettingsError(f"{name}: there is no such file here; to look for a blob of that name, {error}") from None


def _locate(name: str, account: BlobServiceClient, container: str) -> tuple[str, str]:
    """The container and the name of a blob that was given by name or URL."""
    if "://" not in name:
        return container, name
    ours, theirs = urlsplit(account.url), urlsplit(name)
    prefix = ours.path.rstrip("/") + "/"
    if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc) or not theirs.path.startswith(prefix):
        raise UsageError(f"{name}: is not in the account {account.url}: name its account with --account-url")
    found, _, blob = unquote(theirs.path[len(prefix) :]).partition("/")
    if not blob:
        raise UsageError(f"{name}: names no blob: https://ACCOUNT.blob.core.windows.net/CONTAINER/NAME is expected")
    return found, blob


def _downloaded(where: ContainerClient, container: str, blob: str, name: str) -> Iterator[bytes]:
    try:
        download = where.download_blob(blob)
    except ResourceNotFoundError:
        raise UsageError(
            f"{name}: there is no such file here, and no such blob in the container {container}: "
            "`python -m tools capture list` shows those there are"
        ) from None
    yield from download.chunks()


def _read(path: Path) -> Generator[bytes, None, None]:
    try:
        with path.open("rb") as file:
            while piece := file.read(_READ_BYTES):
                yield piece
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
