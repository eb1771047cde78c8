"""Who may call: account keys and shared access signatures are verified, and garbage is a refusal, never a crash."""

from __future__ import annotations

import base64
import http.client
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import (
    DataLakeServiceClient,
    FileSystemClient,
    FileSystemSasPermissions,
    generate_file_system_sas,
)

from local.storage_account import ACCOUNT, KEY
from tests.integration.datalake_service import DataLake, azurite, data_lake, file_system  # noqa: F401
from tests.waiting import PATIENCE

# ruff: noqa: F811 (fixtures are imported by name)
CREATE = ("PUT", f"/{ACCOUNT}/events/a?resource=file")
WRONG_KEY = base64.b64encode(b"not the key of this account").decode()


def test_a_wrong_key_is_refused_by_both_apis(data_lake: DataLake, file_system: FileSystemClient) -> None:
    wrong = data_lake.connection_string.replace(KEY, WRONG_KEY)
    with DataLakeServiceClient.from_connection_string(wrong) as service:
        with pytest.raises(ClientAuthenticationError, match="AuthenticationFailed") as refused:
            service.get_file_client(file_system.file_system_name, "a").create_file()
        assert refused.value.status_code == 403
        with pytest.raises(ClientAuthenticationError):
            list(service.get_file_system_client(file_system.file_system_name).get_paths())
        with pytest.raises(ClientAuthenticationError):
            service.get_file_client(file_system.file_system_name, "a").delete_file()
    with BlobServiceClient.from_connection_string(wrong) as blobs, pytest.raises(ClientAuthenticationError):
        blobs.get_blob_client(file_system.file_system_name, "a").upload_blob(b"x")
    assert list(file_system.get_paths()) == []


def sas(file_system: FileSystemClient, permissions: FileSystemSasPermissions, minutes: int = 5) -> str:
    return generate_file_system_sas(
        ACCOUNT,
        file_system.file_system_name,
        KEY,
        permission=permissions,
        start=datetime.now(UTC) - timedelta(hours=1),
        expiry=datetime.now(UTC) + timedelta(minutes=minutes),
    )


def with_sas(data_lake: DataLake, file_system: FileSystemClient, signature: str) -> FileSystemClient:
    url = f"http://127.0.0.1:{data_lake.port}/{ACCOUNT}"
    return FileSystemClient(url, file_system.file_system_name, credential=signature)


def test_a_shared_access_signature_gives_what_it_says(data_lake: DataLake, file_system: FileSystemClient) -> None:
    everything = FileSystemSasPermissions(read=True, write=True, delete=True, list=True, create=True, add=True)
    with with_sas(data_lake, file_system, sas(file_system, everything)) as client:
        file = client.get_file_client("d/a")
        file.upload_data(b"abc", overwrite=True)
        assert file.download_file().readall() == b"abc"
        assert [path.name for path in client.get_paths()] == ["d", "d/a"]
        file.delete_file()

    with with_sas(data_lake, file_system, sas(file_system, FileSystemSasPermissions(read=True))) as reader:
        with pytest.raises(HttpResponseError) as refused:
            reader.get_file_client("b").create_file()
        assert refused.value.status_code == 403
        with pytest.raises(HttpResponseError) as refused:
            list(reader.get_paths())
        assert refused.value.status_code == 403


def test_an_expired_shared_access_signature_is_refused(data_lake: DataLake, file_system: FileSystemClient) -> None:
    expired = sas(file_system, FileSystemSasPermissions(read=True, create=True, write=True), minutes=-5)
    with with_sas(data_lake, file_system, expired) as client, pytest.raises(HttpResponseError) as refused:
        client.get_file_client("a").create_file()
    assert refused.value.status_code == 403


def test_a_forged_signature_cannot_append_to_an_open_file(data_lake: DataLake, file_system: FileSystemClient) -> None:
    file = file_system.create_file("a")
    forged = sas(file_system, FileSystemSasPermissions(read=True)).replace("sp=r", "sp=rw")
    with with_sas(data_lake, file_system, forged) as client, pytest.raises(HttpResponseError) as refused:
        client.get_file_client("a").append_data(b"x", 0)
    assert refused.value.status_code == 403
    with pytest.raises(HttpResponseError, match="InvalidFlushPosition"):
        file.flush_data(1)


def test_another_account_is_not_here(data_lake: DataLake) -> None:
    other = data_lake.connection_string.replace(ACCOUNT, "somebodyelse")
    with DataLakeServiceClient.from_connection_string(other) as service, pytest.raises(ResourceNotFoundError):
        service.get_file_client("events", "a").create_file()


def raw(port: int, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("x-ms-error-code")
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "target", "headers", "expected"),
    [
        (*CREATE, {}, (401, "NoAuthenticationInformation")),
        (*CREATE, {"Authorization": "Bearer x"}, (403, "AuthenticationFailed")),
        (*CREATE, {"Authorization": "SharedKey"}, (403, "AuthenticationFailed")),
        (*CREATE, {"Authorization": f"SharedKey {ACCOUNT}:x"}, (403, "AuthenticationFailed")),
        (*CREATE, {"Authorization": f"SharedKey {ACCOUNT}:é", "x-ms-date": "x"}, (403, "AuthenticationFailed")),
        ("PATCH", f"/{ACCOUNT}/events/a?action=append&position=0", {}, (401, "NoAuthenticationInformation")),
        ("PATCH", f"/{ACCOUNT}/events/a?action=fly", {}, (400, "InvalidQueryParameterValue")),
        ("PATCH", f"/{ACCOUNT}/events/a", {}, (400, "MissingRequiredQueryParameter")),
        ("PUT", f"/{ACCOUNT}/events/%ff%fe?resource=file", {}, (400, "InvalidUri")),
        ("PUT", f"/{ACCOUNT}/events/{'a' * 1100}?resource=file", {}, (400, "InvalidUri")),
        ("POST", f"/{ACCOUNT}/events/a?resource=nonsense", {}, (400, "InvalidQueryParameterValue")),
        ("GET", "/", {}, (404, "ResourceNotFound")),
    ],
)
def test_garbage_is_refused_by_name(
    data_lake: DataLake, method: str, target: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    encoded = {name: value.encode("utf-8").decode("latin-1") for name, value in headers.items()}
    assert raw(data_lake.port, method, target, encoded) == expected
    assert data_lake.child.running()


@pytest.mark.parametrize("target", ["*", "http://elsewhere/x", "//", f"/{ACCOUNT}", "/%00", "/" + "%" * 50, "/%0d%0a"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "BREW"])
def test_no_request_line_brings_it_down(data_lake: DataLake, method: str, target: str) -> None:
    status, _ = raw(data_lake.port, method, target, {})
    assert 400 <= status < 500
    assert data_lake.child.running()
