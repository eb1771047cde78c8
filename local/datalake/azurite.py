"""Azurite as the gateway sees it: calls that we sign ourselves, and the caller's own calls passed on byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Self
from urllib.parse import quote, urlencode

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from local.datalake.errors import Busy, from_azurite
from local.datalake.shared_key import parse_query, sign, string_to_sign
from local.datalake.target import Path

API_VERSION = "2025-11-05"  # the newest that Azurite 3.35 knows
_CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0  # without a byte from Azurite; the service's own limit for most calls
_AUTOMATIC_HEADERS = ("Content-Type", "Accept", "Accept-Encoding", "User-Agent")
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "expect", "upgrade", "te", "trailer"})


@dataclass(frozen=True)
class Account:
    """Whose storage it is; `key` is the decoded account key."""

    name: str
    key: bytes


@dataclass(frozen=True)
class Answer:
    """A whole answer of Azurite's."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status < 300


class Azurite:
    """A pool of connections to one Azurite."""

    def __init__(self, base_url: str, account: Account, silence_seconds: float = SILENCE_SECONDS) -> None:
        self._base = base_url
        self._account = account
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            skip_auto_headers=_AUTOMATIC_HEADERS,
            connector=aiohttp.TCPConnector(limit=64),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=silence_seconds),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @property
    def account(self) -> Account:
        return self._account

    def source_url(self, path: Path, sas: str = "") -> str:
        """The URL of a blob, as x-ms-copy-source wants it."""
        return self._base + self._raw_path(path) + (f"?{sas}" if sas else "")

    async def call(
        self,
        method: str,
        path: Path,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | AsyncIterator[bytes] = b"",
        length: int | None = None,
        sas: str = "",
    ) -> Answer:
        """One blob call in the caller's name: by the account key, or by the caller's shared access signature.

        Args:
            method: the HTTP verb.
            path: the blob (or, with an empty name, the container).
            query: decoded query parameters.
            headers: lower-case names.
            body: what to send.
            length: bytes in `body`, when it is a stream.
            sas: the caller's signature, as a raw query; empty to sign with the account key.

        Raises:
            Busy: Azurite is down or silent.
        """
        raw_path = self._raw_path(path)
        parameters = dict(query or {})
        sent = {
            **(headers or {}),
            "x-ms-version": API_VERSION,
            "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True),
            "content-length": str(len(body) if isinstance(body, bytes) else length),
        }
        raw_query = urlencode(parameters, quote_via=quote)
        if sas:
            raw_query = "&".join(part for part in (raw_query, sas) if part)
        else:
            text = string_to_sign(method, self._account.name, raw_path, parse_query(raw_query), sent)
            sent["authorization"] = f"SharedKey {self._account.name}:{sign(self._account.key, text)}"
        url = URL(f"{self._base}{raw_path}" + (f"?{raw_query}" if raw_query else ""), encoded=True)
        try:
            async with self._session.request(method, url, headers=sent, data=body or None) as response:
                return Answer(response.status, response.headers, await response.read())
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise busy(error) from error

    async def checked(self, method: str, path: Path, *args: object, **kwargs: object) -> Answer:
        """`call`, and an error answer raised.

        Raises:
            Refused: what Azurite answered, in the DFS endpoint's words.
        """
        answer = await self.call(method, path, *args, **kwargs)  # type: ignore[arg-type]
        if not answer.ok:
            raise from_azurite(answer.status, answer.headers.get("x-ms-error-code"), answer.body)
        return answer

    async def head(self, path: Path, sas: str) -> CIMultiDictProxy[str] | None:
        """A blob's properties, or None when there is no such blob.

        Raises:
            Refused: any other error.
        """
        answer = await self.call("HEAD", path, sas=sas)
        if not answer.ok and answer.status != 404:
            raise from_azurite(answer.status, answer.headers.get("x-ms-error-code"), answer.body)
        return answer.headers if answer.ok else None

    async def forward(
        self, method: str, raw_target: str, headers: CIMultiDictProxy[str], body: object
    ) -> aiohttp.ClientResponse:
        """Pass a request on untouched (its signature covers path, query and headers); the caller releases the answer.

        Raises:
            Busy: Azurite is down or silent.
        """
        sent = CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP)
        try:
            return await self._session.request(
                method, URL(self._base + raw_target, encoded=True), headers=sent, data=body, allow_redirects=False
            )
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise busy(error) from error

    def _raw_path(self, path: Path) -> str:
        name = f"/{quote(path.name, safe='/~')}" if path.name else ""
        return f"/{self._account.name}/{path.file_system}{name}"


def busy(error: BaseException) -> Busy:
    """What to say where Azurite did not answer, or not to the end."""
    state = "slow" if isinstance(error, asyncio.TimeoutError) else "down"
    reason = getattr(error, "strerror", None) or type(error).__name__
    return Busy(f"Azurite is {state} ({reason}). Please retry.")
