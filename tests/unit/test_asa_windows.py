"""Windows(): several windows of one GROUP BY, and what System.Window() says of them.

Source: https://learn.microsoft.com/stream-analytics-query/windows-azure-stream-analytics; the figures are ours.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.sql.asa.errors import QueryError
from tests.unit.asa_queries import run

CARS = [
    {"TollId": toll, "EntryTime": f"2026-01-01T00:{minute:02}:00Z"}
    for minute, toll in ((1, 1), (5, 2), (9, 1), (12, 1), (19, 2), (31, 1))
]


def counts(windows: str, columns: str = "") -> list[dict[str, Any]]:
    query = f"SELECT {columns} TollId, COUNT(*) AS n FROM Input TIMESTAMP BY EntryTime GROUP BY TollId, {windows}"
    return run(query, Input=CARS)["output"]


def test_windows_without_identities() -> None:
    """The first example: each event is in every window; the rows are those of each window alone, by time."""
    alone = [
        counts(f"TumblingWindow(minute, {size})", "System.Timestamp() AS ended,") for size in (10, 20, 30, 40, 50, 60)
    ]
    together = counts(
        "Windows(TumblingWindow(minute, 10), TumblingWindow(minute, 20), TumblingWindow(minute, 30), "
        "TumblingWindow(minute, 40), TumblingWindow(minute, 50), TumblingWindow(minute, 60))",
        "System.Timestamp() AS ended,",
    )
    assert together == sorted((row for rows in alone for row in rows), key=lambda row: row["ended"])


def test_windows_with_identities() -> None:
    """The second example."""
    rows = counts(
        "Windows(Window('10m', TumblingWindow(minute, 10)), Window('20m', Tumbling(minute, 20)))", "System.Window().Id,"
    )
    assert rows == [
        {"Id": "10m", "TollId": 1, "n": 2}, {"Id": "10m", "TollId": 2, "n": 1}, {"Id": "10m", "TollId": 1, "n": 1},
        {"Id": "10m", "TollId": 2, "n": 1}, {"Id": "20m", "TollId": 1, "n": 3}, {"Id": "20m", "TollId": 2, "n": 2},
        {"Id": "10m", "TollId": 1, "n": 1}, {"Id": "20m", "TollId": 1, "n": 1},
    ]  # fmt: skip


def test_windows_of_other_kinds_beside_each_other() -> None:
    rows = counts(
        "Windows(Window('s', SessionWindow(minute, 5, 30)), Window('l', SlidingWindow(minute, 4)), "
        "Window('h', HoppingWindow(minute, 40, 40)))",
        "System.Window() AS w,",
    )
    found = {kind: [row["n"] for row in rows if row["w"] == {"Id": kind}] for kind in "slh"}
    assert found["h"] == [4, 2]
    assert found["s"] == [3, 1, 1, 1]
    assert found["l"] == [1, 1, 1, 2, 1, 1, 1]


def test_a_window_that_is_alone_has_no_identity() -> None:
    assert counts("TumblingWindow(hour, 1)", "System.Window().Id AS w,")[0] == {"w": None, "TollId": 1, "n": 4}
    assert counts("Windows(TumblingWindow(hour, 1))", "System.Window().Id AS w,")[0]["w"] is None


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("Windows(1)", "72: Windows() takes windows, or a Window('id', window) for each"),
        ("Windows()", "64: Windows() takes windows, or a Window('id', window) for each"),
        ("Windows(Window('a', COUNT(*)))", "72: Windows() takes windows, or a Window('id', window) for each"),
        (
            "Windows(Windows(TumblingWindow(minute, 1)))",
            "72: Windows() takes windows, or a Window('id', window) for each",
        ),
        ("Windows(Window(NULL, TumblingWindow(minute, 1)))", "72: Window() takes an id, as 'minutes', and a window"),
        ("Windows(Window('a'))", "72: Window() takes an id, as 'minutes', and a window"),
        (
            "Windows(Window(DISTINCT 'a', TumblingWindow(minute, 1)))",
            "72: Window() takes an id, as 'minutes', and a window",
        ),
        (
            "Windows(Window('a', SessionWindow(minute, 1, 2)) OVER (PARTITION BY TollId))",
            "72: Window() takes an id, as 'minutes', and a window",
        ),
        (
            "Windows(Window('a', TumblingWindow(minute, 1)), TumblingWindow(minute, 2))",
            "112: either all windows of Windows() have an id, or none has",
        ),
        (
            "Windows(Window('a', TumblingWindow(minute, 1)), Window('A', TumblingWindow(minute, 2)))",
            "112: two windows are called A",
        ),
        ("Window('a', TumblingWindow(minute, 1))", "64: Window() is of Windows(): it names one of them"),
        ("Windows(TumblingWindow(day, 8))", "92: TumblingWindow() of more than 7 days"),
        (
            "TumblingWindow(minute, 1), Windows(TumblingWindow(minute, 2))",
            "91: GROUP BY takes one window; Windows() holds",
        ),
    ],
)
def test_refused(group: str, message: str) -> None:
    with pytest.raises(QueryError) as refused:
        run(f"SELECT COUNT(*) AS n FROM input TIMESTAMP BY EntryTime GROUP BY {group}", input=CARS)
    assert str(refused.value).startswith(f"q.asaql:1:{int(message.partition(':')[0]) + 1}:{message.partition(':')[2]}")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT System.Window().Id AS w FROM input", "1:8: System.Window() is of groups, and there is no GROUP BY"),
        (
            "SELECT COUNT(*) AS n FROM input WHERE System.Window().Id = 'a' GROUP BY TumblingWindow(minute, 1)",
            "1:39: System.Window() is of the SELECT list, and WHERE has none",
        ),
        (
            "SELECT COUNT(*) AS n FROM input GROUP BY TumblingWindow(minute, 1) HAVING System.Window().Id = 'a'",
            "1:75: System.Window() is of the SELECT list, and HAVING has none",
        ),
    ],
)
def test_the_identity_of_a_window_is_of_the_select_list(query: str, message: str) -> None:
    with pytest.raises(QueryError) as refused:
        run(query, input=CARS)
    assert str(refused.value) == f"q.asaql:{message}"
