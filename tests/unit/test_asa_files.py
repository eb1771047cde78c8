"""`python -m local asa`: files in, files out, and one line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.__main__ import main

QUERY = """
SELECT kind, COUNT(*) AS c, System.Timestamp() AS t INTO counts
FROM events TIMESTAMP BY time GROUP BY kind, TumblingWindow(second, 10)
SELECT e.kind, k.name INTO [named ones] FROM events e JOIN kinds k ON e.kind = k.kind
"""
EVENTS = [
    {"kind": "b", "time": "2024-01-01T00:00:11Z"},
    {"kind": "a", "time": "2024-01-01T00:00:01Z"},
    {"kind": "a", "time": "2024-01-01T00:00:02Z"},
    {"kind": "a"},
]


class Folder:
    """A directory with a query and its files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("query.asaql", QUERY)
        self.write("events.jsonl", "".join(json.dumps(event) + "\n" for event in EVENTS))
        self.write("kinds.json", '[{"kind": "a", "name": "żółw"}]')

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")

    def run(self) -> int:
        return main(
            [
                "asa", str(self.path / "query.asaql"), "--input", f"events={self.path / 'events.jsonl'}",
                "--reference", f"kinds={self.path / 'kinds.json'}", "--out", str(self.path / "out" / "here"),
            ]
        )  # fmt: skip

    def rows(self, output: str) -> list[dict[str, Any]]:
        text = (self.path / "out" / "here" / f"{output}.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_event_time_decides_and_the_end_closes_the_windows(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.run() == 0
    assert folder.rows("counts") == [
        {"kind": "a", "c": 2, "t": "2024-01-01T00:00:10.0000000Z"},
        {"kind": "b", "c": 1, "t": "2024-01-01T00:00:20.0000000Z"},
    ]
    assert folder.rows("named ones") == [{"kind": "a", "name": "żółw"}] * 3
    printed = capsys.readouterr().out
    assert "events: 4 events, 1 of them dropped: they have no time" in printed
    assert f"counts: 2 rows in {folder.path / 'out' / 'here' / 'counts.jsonl'}" in printed


def test_an_array_of_events_reads_as_lines_do(folder: Folder) -> None:
    folder.run()
    lines = folder.rows("counts")
    folder.write("events.jsonl", json.dumps(EVENTS, indent=2))
    assert folder.run() == 0
    assert folder.rows("counts") == lines


def test_without_timestamp_by_the_order_of_the_file_is_that_of_time(folder: Folder) -> None:
    folder.write("query.asaql", "SELECT kind, LAG(kind) OVER (LIMIT DURATION(second, 1)) AS last FROM events")
    assert folder.run() == 0
    assert [row["last"] for row in folder.rows("output")] == [None, "b", "a", "a"]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("query.asaql", "SELECT\n  nope(a) AS a FROM events", "{}:2:3: nope() is not Stream Analytics"),
        ("query.asaql", "SELECT CAST(kind AS bigint) AS n FROM events", '{}:1:8: CAST: "b" (nvarchar(max)) is no'),
        ("query.asaql", "SELECT kind INTO [a/b] FROM events", "the output 'a/b' cannot be the name of a file"),
        ("events.jsonl", '{"kind": 1}\n\n{"kind": \n', "{}:3: no JSON: Expecting value at column 10"),
        ("events.jsonl", '{"kind": 1}\n7\n', "{}:2: an event is a JSON object"),
        ("events.jsonl", '{"n": 9223372036854775808}', "{}:1: 9223372036854775808 does not fit in a bigint"),
        ("events.jsonl", '{"n": NaN}', "{}:1: NaN is no JSON"),
        ("events.jsonl", '{"n": ' + "[" * 100_000, "{}:1: "),
        ("kinds.json", '[{"kind": "a"}, []]', "{}, event 2: an event is a JSON object"),
    ],
)  # fmt: skip
def test_one_line_says_what_is_wrong(
    folder: Folder, capsys: pytest.CaptureFixture[str], file: str, text: str, message: str
) -> None:
    folder.write(file, text)
    assert folder.run() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(message.format(folder.path / file))


def test_a_file_that_is_not_there_or_no_text(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    (folder.path / "events.jsonl").write_bytes(b"\xff\xfe")
    assert folder.run() == 1
    (folder.path / "events.jsonl").unlink()
    assert folder.run() == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{folder.path / 'events.jsonl'}: it is no UTF-8 text")
    assert second == f"{folder.path / 'events.jsonl'}: No such file or directory"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
def test_a_disk_that_is_full_is_named(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write("query.asaql", "SELECT kind FROM events")
    assert folder.run() == 0
    (written,) = folder.path.rglob("output.jsonl")
    written.unlink()
    written.symlink_to("/dev/full")
    capsys.readouterr()
    assert folder.run() == 1
    assert capsys.readouterr().err == f"{written.parent}: No space left on device\n"


def test_an_option_that_is_no_pair(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["asa", "query.asaql", "--input", "events.jsonl", "--out", "out"])
    assert caught.value.code == 2
    assert "'events.jsonl' is not NAME=FILE" in capsys.readouterr().err


def test_files_of_the_same_name_and_a_text_with_a_mark(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """A byte order mark is what some editors of Windows begin a file with."""
    folder.write("query.asaql", "\ufeffSELECT kind FROM events")
    assert folder.run() == 0
    events = str(folder.path / "events.jsonl")
    for option in ("--input", "--reference"):
        arguments = [str(folder.path / "query.asaql"), "--input", f"events={events}", option, f"Events={events}"]
        assert main(["asa", *arguments, "--out", str(folder.path / "none")]) == 1
        assert capsys.readouterr().err == "two files are called events; an input is one file\n"
    assert not (folder.path / "none").exists()
