"""A Kafka Streams library in Python works on the namespace: it transforms, goes on where it was, keeps its state."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import local.eventhubs
from tests.integration.eventhubs_service import Namespace, collect, make_namespace, namespace
from tests.integration.kafka_service import deliver, producer, read

__all__ = ["make_namespace", "namespace"]

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-quixstreams" / "bin" / "python"
APPLICATION = Path(__file__).parent / "quixstreams" / "application.py"

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="quixstreams has no environment of its own: run `make setup` (.venv-quixstreams)"
)


def run(namespace: Namespace, directory: Path, count: int, *arguments: str) -> None:
    """Run the application until it has processed `count` messages."""
    settings = json.dumps(local.eventhubs.kafka_settings(namespace.kafka_port))
    ended = subprocess.run(
        [PYTHON, APPLICATION, settings, str(count), *arguments],
        cwd=directory, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "ERROR" not in ended.stderr, ended.stderr[-3000:]


def send(namespace: Namespace, *numbers: int) -> None:
    """A reading for each number, of one of four stations; a station always in the same partition."""
    readings = [
        {
            "value": json.dumps({"number": number, "celsius": number / 2}),
            "key": f"K{number % 4}",
            "partition": number % 4,
        }
        for number in numbers
    ]
    deliver(producer(namespace), readings)


async def test_it_transforms_one_hub_into_another_and_goes_on_where_it_was(
    namespace: Namespace, tmp_path: Path
) -> None:
    send(namespace, *range(40))
    run(namespace, tmp_path, 40)
    send(namespace, *range(40, 60))
    run(namespace, tmp_path, 20)

    written = read(namespace, 60, topic="other")
    values = [json.loads(message.value()) for message in written]
    assert sorted(value["number"] for value in values) == list(range(60))
    assert all(value["fahrenheit"] == value["celsius"] * 9 / 5 + 32 for value in values)
    for station in range(4):
        own = [json.loads(message.value())["number"] for message in written if message.key() == f"K{station}".encode()]
        assert own == list(range(station, 60, 4))
    # AND the Event Hubs SDK reads the same
    events = await collect(namespace, 60, hub="other")
    assert [event.body_as_str() for event in events] == [message.value().decode() for message in written]


def test_its_state_comes_back_from_the_namespace(make_namespace: Callable[..., Namespace], tmp_path: Path) -> None:
    """GIVEN an application with state WHEN it starts again on another disk THEN the changelog gives its counts back."""
    namespace = make_namespace("--kafka-create-topics")
    send(namespace, *range(20))
    run(namespace, tmp_path, 20, str(tmp_path / "first"))
    send(namespace, *range(20, 40))
    run(namespace, tmp_path, 20, str(tmp_path / "second"))
    values = [json.loads(message.value()) for message in read(namespace, 40, topic="other")]
    assert {value["number"]: value["seen"] for value in values} == {number: number // 4 + 1 for number in range(40)}
