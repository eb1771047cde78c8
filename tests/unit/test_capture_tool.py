"""`python -m tools capture` on files of this disk, of the service and damaged ones; and how a captured event looks."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobProperties

from local.eventhubs.capture import avro
from tools import clients, environment
from tools.capture.captured import Captured
from tools.capture.listing import Blob
from tools.capture.source import Chunks
from tools.cli import main

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "capture" / "seed-24.avro"
# 2020-06-25 15:47:29 UTC
MOMENT = 1_593_100_049_000


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings: neither of the environment nor of a file."""
    monkeypatch.chdir(tmp_path)
    for name in ("AzureWebJobsStorage", "AzureWebJobsStorage__blobServiceUri", "AzureWebJobsStorage__accountName"):
        monkeypatch.delenv(name, raising=False)


def typed(values: dict[str, Any]) -> dict[str, avro.Value]:
    return {name: avro.typed(value) for name, value in values.items()}


def write(path: Path, *bodies: bytes | None, system: Any = None, properties: Any = None) -> str:
    file = avro.File(bytes(16))
    for sequence, body in enumerate(bodies):
        file.add(sequence, avro.time(MOMENT), typed(system or {}), typed(properties or {}), body)
    file.end_block()
    path.write_bytes(file.take())
    return str(path)


@pytest.mark.skipif(not REAL.exists(), reason=f"no file of the service at {REAL}")
def test_a_file_of_the_service_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", "show", str(REAL), "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["sequence"] for event in shown] == list(range(252, 262))
    assert shown[0]["enqueued"] == "2020-06-25T15:47:29Z"
    assert shown[0]["offset"] == "4295015048"
    assert shown[0]["body"]["city_name"] == "Morehead City"
    assert main(["capture", "show", str(REAL)]) == 0
    assert "sequence 252  offset 4295015048  6/25/2020 3:47:29 PM  no key\n  {" in capsys.readouterr().out
    assert main(["capture", "show", str(REAL), "--count"]) == 0
    assert capsys.readouterr().out == "10\n"


def test_a_person_sees_key_properties_and_body(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(
        tmp_path / "a.avro", b'{"a": 1}', b"two\nlines", b"\xff\x00", b"", None,
        system={"x-opt-partition-key": "28557", "content-type": "text/plain"}, properties={"n": None, "b": b"\xfe"},
    )  # fmt: skip
    assert main(["capture", "show", name]) == 0
    done = capsys.readouterr()
    place = "  6/25/2020 3:47:29 PM  key 28557  content-type=text/plain  n=null  b=0xfe\n"
    assert done.out == (
        f'sequence 0  offset 0{place}  {{"a": 1}}\nsequence 1  offset 1{place}  two\nlines\n'
        f"sequence 2  offset 2{place}  2 bytes, not UTF-8: ff00\nsequence 3  offset 3{place}  (empty)\n"
        f"sequence 4  offset 4{place}  (no body)\n"
    )
    assert "5 events" in done.err


def test_what_a_terminal_would_obey_is_spelled_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN escape sequences in a body, a key and a property THEN none of them reaches the terminal."""
    name = write(
        tmp_path / "a.avro", "a\x1b[2J\tb\nc\x9b\u202e".encode(), system={"x-opt-kafka-key": b"k\x1b"},
        properties={"p\r": "v\nw"},
    )  # fmt: skip
    assert main(["capture", "show", name]) == 0
    out = capsys.readouterr().out
    assert out.endswith("key k\\x1b  p\\r=v\\nw\n  a\\x1b[2J\tb\nc\\x9b\\u202e\n")


def test_a_body_that_no_line_of_json_can_hold_is_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = b"[" * 300 + b"]" * 300
    assert main(["capture", "show", write(tmp_path / "a.avro", deep), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["body"] == deep.decode()


def test_json_holds_what_the_file_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(
        tmp_path / "a.avro", b'{"a": [1]}', b"text", b"\xff", None,
        system={"x-opt-kafka-key": b"k", "n": 5}, properties={"b": b"\xfe", "none": None, "f": 1.5},
    )  # fmt: skip
    assert main(["capture", "show", name, "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["body"] for event in shown] == [{"a": [1]}, "text", {"base64": "/w=="}, None]
    assert shown[0] == {
        "sequence": 0, "offset": "0", "enqueued": "2020-06-25T15:47:29Z", "key": "k",
        "system_properties": {"x-opt-kafka-key": "k", "n": 5},
        "properties": {"b": {"base64": "/g=="}, "none": None, "f": 1.5}, "body": {"a": [1]},
    }  # fmt: skip


def test_the_schema_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", "show", write(tmp_path / "a.avro"), "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(avro.SCHEMA)


def test_no_more_is_shown_than_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", "show", write(tmp_path / "a.avro", b"a", b"b", b"c"), "--max", "2", "--json"]) == 0
    done = capsys.readouterr()
    assert len(done.out.splitlines()) == 2
    assert "2 events (stopped by --max)" in done.err


def test_an_empty_file_has_no_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(tmp_path / "a.avro")
    assert main(["capture", "show", name]) == 0
    assert main(["capture", "show", name, "--count"]) == 0
    assert capsys.readouterr().out == "0\n"


def long(value: int) -> bytes:
    encoded = io.BytesIO()
    fastavro.schemaless_writer(encoded, "long", value)
    return encoded.getvalue()


def damaged(tmp_path: Path, change: str) -> str:
    path = tmp_path / f"{change}.avro"
    write(path, *[b"x" * 1000] * 200)
    content = path.read_bytes()
    header = len(Path(write(tmp_path / "empty.avro")).read_bytes())
    path.write_bytes(
        {
            "nothing": b"",
            "text": b"hello, this is no Avro at all",
            "header alone, cut": content[:300],
            "cut within the first block": content[:2000],
            "cut within a later block": content[:-5000],
            "a block that claims too much": content[:header] + long(5) + long(2**40) + content[header:],
            "a block that claims less than nothing": content[:header] + long(5) + long(-5) + bytes(99),
            "other bytes between blocks": content[:header] + content[header:].replace(bytes(16), b"\xff" * 16),
            "a value of no type": content[:header] + long(1) + long(6) + b"\x00\x00\x00\x02\x00\x7f" + bytes(16),
        }[change]
    )
    return str(path)


@pytest.mark.parametrize(
    ("change", "message", "shown"),
    [
        ("nothing", "is not an Avro file", 0),
        ("text", "is not an Avro file", 0),
        ("header alone, cut", "is not an Avro file", 0),
        ("cut within the first block", "is truncated: it ends within a block, after 0 events", 0),
        ("cut within a later block", "is truncated: it ends within a block, after 192 events", 192),
        ("a block that claims too much", "is damaged after 0 events: a block claims 1099511627776 bytes", 0),
        ("a block that claims less than nothing", "is damaged after 0 events", 0),
        ("other bytes between blocks", "is damaged after", 64),
        ("a value of no type", "is damaged after 0 events", 0),
    ],
)
def test_a_damaged_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, message: str, shown: int
) -> None:
    """GIVEN a file that is cut or damaged THEN what comes before is shown, and what is wrong is said."""
    name = damaged(tmp_path, change)
    assert main(["capture", "show", name, "--json"]) == 1
    done = capsys.readouterr()
    assert len(done.out.splitlines()) == shown
    assert done.err.startswith(f"error: {name}: {message}")
    assert len(done.err.splitlines()) == 1


def test_avro_of_another_schema_is_said_to_be_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = io.BytesIO()
    schema = {"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]}
    fastavro.writer(content, schema, [{"a": 1}, {"a": 2}])
    path = tmp_path / "other.avro"
    path.write_bytes(content.getvalue())
    assert main(["capture", "show", str(path)]) == 1
    assert "is Avro, but not a captured file (a)" in capsys.readouterr().err
    assert main(["capture", "show", str(path), "--count"]) == 0
    assert capsys.readouterr().out == "2\n"


@pytest.mark.parametrize("codec", ["deflate", "snappy"])
def test_compressed_files_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str], codec: str) -> None:
    """Azure's other encoding, AvroDeflate, and what Spark writes."""
    content = io.BytesIO()
    record = {"SequenceNumber": 1, "Offset": "1", "EnqueuedTimeUtc": "t", "SystemProperties": {}, "Properties": {}}
    fastavro.writer(content, json.loads(avro.SCHEMA), [{**record, "Body": b"x"}], codec=codec)
    path = tmp_path / "a.avro"
    path.write_bytes(content.getvalue())
    assert main(["capture", "show", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["enqueued"] == "t"


def test_what_is_not_here_needs_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", "show", "nope.avro"]) == 2
    assert "nope.avro: there is no such file here; to look for a blob of that name, AzureWebJobsStorage is not set" in (
        capsys.readouterr().err
    )
    assert main(["capture", "list"]) == 2
    assert main(["capture", "show", "."]) == 2
    assert ".: cannot be read: Is a directory" in capsys.readouterr().err


def test_chunks_are_read_in_any_size() -> None:
    source = Chunks(iter([b"abc", b"", b"defgh", b"i"]))
    assert [source.read(size) for size in (2, 0, 4, 1, 5, 3)] == [b"ab", b"", b"cdef", b"g", b"hi", b""]
    assert source.tell() == 9
    with pytest.raises(ValueError, match="a block claims -1 bytes"):
        source.read(-1)


@pytest.mark.parametrize(
    ("name", "hub", "partition", "window"),
    [
        ("ns/dev/0/2026/11/23/03/11/36.avro", "dev", "0", "2026-11-23T03:11:36Z"),
        ("a/b/ns/dev/31/2026/11/23/03/11/36.avro", "dev", "31", "2026-11-23T03:11:36Z"),
        ("2026-11-23/dev.avro", None, None, None),
    ],
)
def test_a_name_tells_hub_partition_and_window(
    name: str, hub: str | None, partition: str | None, window: str | None
) -> None:
    blob = Blob.of(BlobProperties(name=name, **{"Content-Length": 5}))
    assert (blob.hub, blob.partition, blob.window) == (hub, partition, window)
    assert blob.line().endswith(name)


def test_an_event_without_a_known_key_has_none() -> None:
    assert Captured(0, "0", "t", {"message-id": "x"}, {}, b"").key is None


@pytest.mark.parametrize(
    ("settings", "string", "endpoint"),
    [
        ({"AzureWebJobsStorage": "a string"}, "a string", None),
        ({"AzureWebJobsStorage__blobServiceUri": "https://a.example"}, None, "https://a.example"),
        ({"AzureWebJobsStorage__accountName": "acct"}, None, "https://acct.blob.core.windows.net"),
    ],
)
def test_the_account_is_that_of_the_functions_host(
    settings: dict[str, str], string: str | None, endpoint: str | None
) -> None:
    found = environment.storage(environment.load(settings, Path.cwd()))
    assert (found.connection_string, found.endpoint) == (string, endpoint)


def test_another_account_is_reached_with_an_identity() -> None:
    """GIVEN a connection string in the settings THEN it is not used for the account that was asked for."""
    account = clients.blobs({"AzureWebJobsStorage": "not even one"}, "https://acct.blob.core.windows.net")
    assert account.url == "https://acct.blob.core.windows.net/"
    assert isinstance(account.credential, DefaultAzureCredential)
