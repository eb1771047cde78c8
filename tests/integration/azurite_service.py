"""Fixtures: a real Azurite per test process, on free ports, with a data directory of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import local.azurite
from local.children import Child
from tests.integration.shared_services import once


@dataclass(frozen=True)
class Azurite:
    """A running Azurite and how to reach it."""

    child: Child
    blob_port: int
    connection_string: str


@contextmanager
def running_azurite(directory: Path) -> Iterator[Azurite]:
    """An Azurite over `directory`, while the context lasts."""
    child = local.azurite.start(
        data_dir=directory / "data", log=directory / "azurite.log", blob_port=0, queue_port=0, table_port=0
    )
    try:
        ready = child.wait_ready()
        blob, queue, table = (int(str(ready[name])) for name in ("blob", "queue", "table"))
        yield Azurite(child, blob, local.azurite.connection_string(blob, queue, table))
    finally:
        child.stop()


@pytest.fixture(scope="session")
def azurite(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Azurite:
    return once(pytestconfig, Azurite, lambda: running_azurite(tmp_path_factory.mktemp("azurite")))
