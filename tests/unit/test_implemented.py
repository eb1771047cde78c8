"""The IMPLEMENTED.md files say what the code does: `python -m scripts.implemented` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.ledger import Entry, Ledger, Names, Table
from scripts.implemented import LEDGERS


@pytest.mark.parametrize("file", LEDGERS, ids=lambda file: file.parent.name)
def test_the_file_is_up_to_date(file: Path) -> None:
    assert file.read_text() == LEDGERS[file]().markdown(), "run: python -m scripts.implemented"


def test_a_ledger_as_text() -> None:
    ledger = Ledger(
        "Tea",
        "Served hot.",
        (
            Table("Kinds", (Entry("green", note="a|b"), Entry("white", here=False))),
            Names("Leaves", (("Whole", ("b", "a")),), ("dust",)),
        ),
        ("How long it draws.",),
    )
    lines = ledger.markdown().splitlines()
    assert lines[0] == "# Tea: what is implemented"
    assert "| green | yes | a\\|b |" in lines
    assert "| white | **no** | |" in lines
    assert "2 of 3 are here." in lines
    assert "- **Whole** (2): `a`, `b`" in lines
    assert "- **Not here** (1): `dust`" in lines
    assert lines[-1] == "- How long it draws."
