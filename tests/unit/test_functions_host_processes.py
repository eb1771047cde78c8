"""What the host and its worker each load: the libraries of the one would be weight in the other."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("local.functions.__main__", {"azure.functions", "pydantic", "azure.cosmos", "azure.identity"}),
        ("local.functions.worker.__main__", {"azure.eventhub", "azure.storage", "azure.core", "aiohttp"}),
    ],
)
def test_neither_process_loads_what_only_the_other_needs(module: str, without: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert module.rpartition(".")[0] in loaded
    assert without.isdisjoint(loaded)
