"""Azurite, Microsoft's storage emulator (blob, queue, table), as one of our services.

It comes from npm, pinned by package-lock.json, and runs under `launch.cjs`, which ends it with its parent. Azurite
saves its index every 5 s and when it stops: kill -9 of Azurite itself (not of its parent) takes back what the last
seconds wrote, checkpoints and files alike, so readers of Event Hubs replay from where both stand.

    AzuriteUnavailable    Node or the npm packages are missing; the message says what to install
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from local.children import Child
from local.storage_account import ACCOUNT, KEY

OLDEST_NODE = 20
_HERE = Path(__file__).parent


class AzuriteUnavailable(RuntimeError):
    """Azurite cannot start on this machine; the message says what is missing and how to get it."""


def start(
    *, data_dir: Path, log: Path, blob_port: int = 10000, queue_port: int = 10001, table_port: int = 10002
) -> Child:
    """Start Azurite on loopback; port 0 takes a free one (`wait_ready()` returns `blob`, `queue` and `table`).

    Raises:
        AzuriteUnavailable: Node is missing or too old, or `make setup` has not installed the packages.
    """
    node = require_node()
    data_dir.mkdir(parents=True, exist_ok=True)
    ports = [str(port) for port in (blob_port, queue_port, table_port)]
    return Child.start("azurite", [node, str(_HERE / "launch.cjs"), str(data_dir.resolve()), *ports], log=log)


def require_node() -> str:
    """The path of a Node that can run Azurite.

    Raises:
        AzuriteUnavailable: there is none, or Azurite itself is not installed.
    """
    node = shutil.which("node")
    if node is None:
        raise AzuriteUnavailable(
            f"Azurite needs Node {OLDEST_NODE} or newer and there is no `node` on PATH: install it (https://nodejs.org)"
        )
    try:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    except OSError as error:  # of another architecture, or a script whose interpreter is gone
        raise AzuriteUnavailable(f"Azurite needs Node {OLDEST_NODE} or newer; {node} does not start: {error}") from None
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < OLDEST_NODE:
        raise AzuriteUnavailable(f"Azurite needs Node {OLDEST_NODE} or newer; {node} is {version or 'not answering'}")
    if not (_HERE / "node_modules" / "azurite" / "package.json").is_file():
        raise AzuriteUnavailable(f"Azurite is not installed: run `make setup` (it runs `npm ci` in {_HERE})")
    return node


def connection_string(blob_port: int = 10000, queue_port: int = 10001, table_port: int = 10002) -> str:
    """What Azure's SDKs and the Functions host take, with every endpoint spelled out (they know no other ports)."""
    ports = {"Blob": blob_port, "Queue": queue_port, "Table": table_port}
    endpoints = "".join(f"{service}Endpoint=http://127.0.0.1:{port}/{ACCOUNT};" for service, port in ports.items())
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};{endpoints}"
