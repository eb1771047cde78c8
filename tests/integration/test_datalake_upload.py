"""`python -m local.datalake --upload`: what a file system holds from the start, as files of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from azure.storage.filedatalake import DataLakeServiceClient

import local.datalake
from local.children import Child
from local.datalake.__main__ import build_parser
from tests.integration.azurite_service import Azurite, azurite

__all__ = ["azurite"]


def test_files_are_there_once_it_is_ready_and_as_they_are_now(azurite: Azurite, tmp_path: Path) -> None:
    source = tmp_path / "files"
    (source / "deep").mkdir(parents=True)
    (source / "top.json").write_bytes(b"[1]")
    (source / "deep" / "er.json").write_bytes(b"")
    found = []
    for content in (b"[1]", b"[2]"):
        (source / "top.json").write_bytes(content)
        child = Child.start_module(
            "local.datalake", "--port", "0", "--blob-port", str(azurite.blob_port),
            "--create", "uploaded", "--upload", f"uploaded={source}", log=tmp_path / "datalake.log",
        )  # fmt: skip
        try:
            port = int(str(child.wait_ready()["port"]))
            with DataLakeServiceClient.from_connection_string(local.datalake.connection_string(port)) as lake:
                system = lake.get_file_system_client("uploaded")
                names = [path.name for path in system.get_paths() if not path.is_directory]
                found.append({name: system.get_file_client(name).download_file().readall() for name in names})
        finally:
            child.stop()
    assert found == [{"top.json": b"[1]", "deep/er.json": b""}, {"top.json": b"[2]", "deep/er.json": b""}]


@pytest.mark.parametrize("argument", ["uploaded", "=.", "uploaded=/nowhere/at/all"])
def test_what_is_no_directory_is_an_error_of_the_command_line(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--upload", argument])
    assert "is not FILESYSTEM=DIRECTORY, of a directory that exists" in capsys.readouterr().err
