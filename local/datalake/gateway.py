"""The HTTP server: tells DFS calls from blob calls, checks who calls, answers or passes on."""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import aiohttp
from aiohttp import web

from local.datalake.access import KEPT_IN, Access
from local.datalake.azurite import API_VERSION, Account, Azurite, busy
from local.datalake.errors import Refused, Unauthorised, bad_request
from local.datalake.files import Files
from local.datalake.listing import PAGE, list_paths
from local.datalake.paths import Paths, parse_rename_source
from local.datalake.properties import FOLDER, TAG_COUNT, conditions
from local.datalake.shared_key import verify
from local.datalake.target import (
    Operation,
    Path,
    Target,
    operation_of,
    parse_target,
    refuse_unsupported,
    rename_target,
)
from local.loopback import BACKLOG, listen

log = logging.getLogger(__name__)
_READ = 64 * 1024  # bytes; an answer up to this is passed on whole
_NOT_PASSED_BACK = frozenset({"connection", "keep-alive", "transfer-encoding", TAG_COUNT, KEPT_IN})
_ENCRYPTED = {"x-ms-request-server-encrypted": "true"}
_SAS_PARAMETERS = frozenset(
    ("sv ss srt sp st se spr sip sr sig si sdd ses rscc rscd rsce rscl rsct " + "skoid sktid skt ske sks skv").split()
)


class Gateway:
    """One account's DFS and blob endpoint."""

    def __init__(self, azurite: Azurite) -> None:
        self._azurite = azurite
        self._files = Files(azurite)
        self._paths = Paths(azurite)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; whatever it holds, the answer is HTTP."""
        try:
            return await self._dispatch(request)
        except Refused as refused:
            return _refusal(refused)
        except (ConnectionResetError, aiohttp.ClientPayloadError):
            raise  # the client went away in the middle of its body, or Azurite in the middle of its answer
        except Exception:
            log.exception("%s %s", request.method, request.path_qs)
            return _refusal(Refused(500, "InternalError", "The Data Lake endpoint failed; its log says where."))

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = parse_target(request.method, request.raw_path)
        target = rename_target(target, headers, self._azurite.account.name)
        self._authenticate(target, headers)
        operation = operation_of(target, headers)
        if operation not in (Operation.BLOB, Operation.READ_PROPERTIES) and not (
            "authorization" in headers or target.signed_by_query
        ):
            raise Unauthorised("no credentials.", status=401, code="NoAuthenticationInformation")
        if operation is not Operation.BLOB:
            refuse_unsupported(headers)
        sas = _sas_of(target)
        match operation:
            case Operation.BLOB:
                return await self._pass_on(request, target)
            case Operation.READ_PROPERTIES:
                return await self._read_properties(request, target, sas)
            case Operation.DELETE:
                return await self._delete(request, target, headers, sas)
            case Operation.APPEND:
                return await self._append(request, target, headers, sas)
            case Operation.FLUSH:
                return await self._flush(target.path, target.query, headers, sas)
            case Operation.CREATE:
                return await self._create(target, headers, sas)
            case Operation.RENAME:
                return await self._rename(target, headers, sas)
            case Operation.LIST:
                return await self._list(target, sas)
            case Operation.SET_ACCESS:
                return _answer(200, _version(await self._paths.set_access(target.path, headers, sas)))
            case Operation.GET_ACCESS | Operation.GET_STATUS:
                return await self._status(target.path, sas, with_acl=operation is Operation.GET_ACCESS)

    def _authenticate(self, target: Target, headers: Mapping[str, str]) -> None:
        account = self._azurite.account
        if target.account != account.name:
            raise Refused(404, "ResourceNotFound", f"The account here is {account.name}, not {target.account!r}.")
        if "authorization" in headers:
            now = datetime.now(UTC)
            verify(account.key, account.name, target.method, target.raw_path, target.raw_query, headers, now)

    async def _create(self, target: Target, headers: Mapping[str, str], sas: str) -> web.Response:
        if target.query["resource"] == "directory":
            made = await self._paths.create_directory(target.path, headers, sas)
        else:
            made = await self._files.create(target.path, headers, sas)
        return _answer(201, _version(made.headers) | _ENCRYPTED)

    async def _append(
        self, request: web.BaseRequest, target: Target, headers: Mapping[str, str], sas: str
    ) -> web.Response:
        position = _number(target.query, "position")
        length = request.content_length
        if length is None:
            raise Refused(411, "MissingContentLengthHeader", "Content-Length is missing.")
        body = request.content.iter_any()
        await self._files.append(target.path, position, headers, length, body, sas)
        if target.query.get("flush") == "true":
            flushed = await self._files.flush(target.path, position + length, headers, sas, retain=False, close=False)
            return _answer(202, _version(flushed.headers) | _ENCRYPTED)
        return _answer(202, _ENCRYPTED)

    async def _flush(self, path: Path, query: Mapping[str, str], headers: Mapping[str, str], sas: str) -> web.Response:
        retain, close = query.get("retainUncommittedData") == "true", query.get("close") == "true"
        flushed = await self._files.flush(path, _number(query, "position"), headers, sas, retain=retain, close=close)
        return _answer(200, _version(flushed.headers) | _ENCRYPTED)

    async def _rename(self, target: Target, headers: Mapping[str, str], sas: str) -> web.Response:
        path = target.path
        source, source_sas = parse_rename_source(headers["x-ms-rename-source"], target.account)
        moved = await self._paths.rename(source, path, headers, source_sas or sas)
        self._files.forget_in(source)
        self._files.forget(path)
        return _answer(201, _version(moved))

    async def _list(self, target: Target, sas: str) -> web.Response:
        query = target.query
        limit = min(_number(query, "maxResults"), PAGE) if "maxResults" in query else PAGE
        if limit < 1:
            raise bad_request("OutOfRangeQueryParameterValue", "maxResults is less than 1.")
        directory = Path(target.path.file_system, query.get("directory", "").strip("/"))
        entries, continuation = await list_paths(
            self._azurite, directory, recursive=query.get("recursive", "").lower() == "true", limit=limit,
            continuation=query.get("continuation", ""), sas=sas,
        )  # fmt: skip
        more = {"x-ms-continuation": continuation} if continuation else {}
        return web.json_response({"paths": [entry.as_json() for entry in entries]}, headers=_common() | more)

    async def _status(self, path: Path, sas: str, *, with_acl: bool) -> web.Response:
        now, is_directory = await self._paths.properties(path, sas)
        shown = _version(now) | _kind(now, is_directory=is_directory)
        if not with_acl:
            del shown["x-ms-acl"]
        return _answer(200, shown)

    async def _read_properties(self, request: web.BaseRequest, target: Target, sas: str) -> web.StreamResponse:
        answer = await self._azurite.forward("HEAD", request.raw_path, request.headers, None)
        answer.release()
        if answer.status == 404 and ("authorization" in request.headers or sas):
            return await self._shown_directory(target.path, answer, sas)
        headers = _passed_back(answer.headers)
        if answer.status == 200:
            headers |= _kind(answer.headers, is_directory=FOLDER in headers)
        return web.Response(status=answer.status, headers=headers)

    async def _shown_directory(self, path: Path, missing: aiohttp.ClientResponse, sas: str) -> web.Response:
        """Properties of a directory that no blob marks, if there is one; else Azurite's 404."""
        try:
            now, _ = await self._paths.properties(path, sas)
        except Refused as refused:
            if refused.status not in (403, 404):  # a signature may read a blob, and not list
                raise
            return web.Response(status=404, headers=_passed_back(missing.headers))
        shown = {FOLDER: "true", "x-ms-blob-type": "BlockBlob", "Content-Length": "0"}
        return _answer(200, shown | _kind(now, is_directory=True))

    async def _delete(
        self, request: web.BaseRequest, target: Target, headers: Mapping[str, str], sas: str
    ) -> web.StreamResponse:
        either = "recursive" not in target.query  # then it may be a blob call as well
        try:
            _, is_directory = await self._paths.properties(target.path, sas)
        except Refused as refused:
            if not either or refused.status not in (403, 404):
                raise
            is_directory = False
        if is_directory:
            recursive = target.query.get("recursive", "").lower() == "true"
            await self._paths.delete_directory(target.path, headers, sas, recursive=recursive)
            self._files.forget_in(target.path)
        elif either:
            return await self._pass_on(request, target)
        else:
            guard = conditions(headers, "x-ms-lease-id")
            await self._azurite.checked("DELETE", target.path, headers=guard, sas=sas)
            self._files.forget(target.path)
        return _answer(202 if either else 200, {})

    async def _pass_on(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        """A blob call, byte for byte; Azurite checks its signature (again)."""
        body = request.content if request.body_exists else None
        upstream = await self._azurite.forward(request.method, request.raw_path, request.headers, body)
        try:
            if upstream.status < 300 and target.replaces_content():
                (self._files.forget if target.path.name else self._files.forget_in)(target.path)
            elif upstream.status < 300 and target.query.get("comp") == "lease":
                self._files.lease_changed(target.path)
            headers = _passed_back(upstream.headers)
            if request.method == "HEAD" or upstream.status in (204, 304):
                return web.Response(status=upstream.status, headers=headers)
            if (upstream.content_length or _READ + 1) <= _READ:
                return web.Response(status=upstream.status, headers=headers, body=await _whole(upstream))
            return await _relayed(request, upstream, headers)
        finally:
            upstream.release()


async def _whole(upstream: aiohttp.ClientResponse) -> bytes:
    try:
        return await upstream.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise busy(error) from error


async def _relayed(
    request: web.BaseRequest, upstream: aiohttp.ClientResponse, headers: Mapping[str, str]
) -> web.StreamResponse:
    """The answer, passed on as it comes."""
    response = web.StreamResponse(status=upstream.status, headers=headers)
    await response.prepare(request)
    try:
        async for chunk in upstream.content.iter_chunked(_READ):
            await response.write(chunk)
    except (aiohttp.ClientError, TimeoutError) as error:
        # Whatever is said now would be taken for content: the client has to see that the answer broke off.
        raise ConnectionResetError("the answer broke off") from error
    await response.write_eof()
    return response


def _common() -> dict[str, str]:
    return {"x-ms-version": API_VERSION, "x-ms-request-id": str(uuid.uuid4())}


def _answer(status: int, headers: Mapping[str, str]) -> web.Response:
    return web.Response(status=status, headers=_common() | dict(headers))


def _refusal(refused: Refused) -> web.Response:
    headers = _common() | {"x-ms-error-code": refused.code, "Content-Type": "application/json;charset=utf-8"}
    if refused.status == 503:
        headers["Retry-After"] = "1"
    return web.Response(status=refused.status, headers=headers, body=refused.body())


def _version(headers: Mapping[str, str]) -> dict[str, str]:
    """The ETag and Last-Modified of an answer of Azurite's, where it has them."""
    return {name: headers[name] for name in ("ETag", "Last-Modified") if name in headers}


def _kind(blob: Mapping[str, str], *, is_directory: bool) -> dict[str, str]:
    """What only a hierarchical account says of a path."""
    access = Access.of_blob(blob, is_directory=is_directory).as_headers()
    return access | {"x-ms-resource-type": "directory" if is_directory else "file"}


def _passed_back(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED_BACK}


def _sas_of(target: Target) -> str:
    """The caller's shared access signature as a raw query, to travel with the calls that we make for it."""
    if not target.signed_by_query:
        return ""
    return "&".join(part for part in target.raw_query.split("&") if part.partition("=")[0] in _SAS_PARAMETERS)


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name)
    if text is None:
        raise bad_request("MissingRequiredQueryParameter", f"The query parameter `{name}` is missing.")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise bad_request("InvalidQueryParameterValue", f"{name}={text} is not a number of bytes or paths.")
    return int(text)


@contextlib.asynccontextmanager
async def serve(port: int, azurite_url: str, account: Account) -> AsyncIterator[tuple[int, Azurite]]:
    """Listen on `port` in front of the Azurite at `azurite_url`; yields the port and the way to Azurite.

    Raises:
        OSError: the port is taken.
    """
    async with Azurite(azurite_url, account) as azurite:
        runner = web.ServerRunner(web.Server(Gateway(azurite).handle, auto_decompress=False), shutdown_timeout=5.0)
        await runner.setup()
        try:
            for listening in listen(port):
                await web.SockSite(runner, listening, backlog=BACKLOG).start()
            yield runner.addresses[0][1], azurite
        finally:
            await runner.cleanup()
