"""`python -m local.datalake`: serve the Data Lake endpoint in front of a running Azurite."""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path as Directory

from local import lifecycle
from local.datalake import gateway
from local.datalake.azurite import Account, Azurite
from local.datalake.errors import Refused
from local.datalake.target import Path
from local.loopback import LOOPBACK
from local.storage_account import ACCOUNT, KEY


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.datalake",
        description="The DFS and blob endpoint of one storage account, in front of Azurite's blob service.",
    )
    parser.add_argument(
        "--blob-port", type=lifecycle.port_number, default=10000,
        help="where Azurite's blob service listens (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--account", default=ACCOUNT, help="the account's name")
    parser.add_argument("--key", default=KEY, help="the account's key, base64 (both as Azurite has them)")
    parser.add_argument(
        "--create", action="append", default=[], metavar="FILESYSTEM", help="create it if it is missing (repeatable)"
    )
    parser.add_argument(
        "--upload", action="append", default=[], type=_files, metavar="FILESYSTEM=DIRECTORY",
        help="write the files of a directory into it, over those that are there (repeatable)",
    )  # fmt: skip
    lifecycle.add_arguments(parser, port=10004)
    return parser


@contextlib.asynccontextmanager
async def service(arguments: argparse.Namespace, account: Account) -> AsyncIterator[Mapping[str, object]]:
    """Start to finish; yields the port."""
    azurite_url = f"http://{LOOPBACK}:{arguments.blob_port}"
    async with gateway.serve(arguments.port, azurite_url, account) as (port, azurite):
        for name in arguments.create:
            await _create(azurite, name)
        for name, files in arguments.upload:
            await _write(azurite, name, files)
        yield {"port": port}


async def _create(azurite: Azurite, file_system: str) -> None:
    try:
        await azurite.checked("PUT", Path(file_system, ""), {"restype": "container"})
    except Refused as refused:
        if refused.code != "FilesystemAlreadyExists":
            raise OSError(f"cannot create the file system {file_system}: {refused}") from refused


async def _write(azurite: Azurite, file_system: str, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        try:
            await azurite.checked("PUT", Path(file_system, name), headers={"x-ms-blob-type": "BlockBlob"}, body=content)
        except Refused as refused:
            raise OSError(f"cannot write {name} into the file system {file_system}: {refused}") from refused


def _files(text: str) -> tuple[str, Mapping[str, bytes]]:
    """FILESYSTEM=DIRECTORY as the file system, and what is to be in it: by its path there."""
    name, separator, directory = text.partition("=")
    root = Directory(directory)
    if not name or not separator or not root.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not FILESYSTEM=DIRECTORY, of a directory that exists")
    files = sorted(file for file in root.rglob("*") if file.is_file())
    return name, {file.relative_to(root).as_posix(): file.read_bytes() for file in files}


def main(argv: Sequence[str] | None = None) -> int:
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        key = base64.b64decode(arguments.key, validate=True)
    except binascii.Error:
        parser.error("--key is not base64")
    return lifecycle.run("datalake", service(arguments, Account(arguments.account, key)), arguments)


if __name__ == "__main__":
    sys.exit(main())
