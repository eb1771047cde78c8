"""The stack captures `dev`: a service that stops writes what it has, and one that starts again goes on after it."""

from __future__ import annotations

import json
from pathlib import Path

from azure.eventhub import EventData, EventHubProducerClient
from confluent_kafka import Producer

import local.eventhubs
from local.captured import captured_files
from local.ports import Ports
from local.stack import CAPTURE, Stack
from tests.waiting import PATIENCE


def send(stack: Stack, numbers: range) -> None:
    """One half over AMQP, the other over Kafka."""
    half = len(numbers) // 2
    with EventHubProducerClient.from_connection_string(stack.settings["EventHubs"], eventhub_name="dev") as producer:
        producer.send_batch([EventData(json.dumps({"n": number})) for number in numbers[:half]], partition_id="1")
    kafka = Producer(local.eventhubs.kafka_settings(stack.ports.kafka))
    for number in numbers[half:]:
        kafka.produce("dev", json.dumps({"n": number}), key="k", partition=1)
    assert kafka.flush(PATIENCE) == 0


def captured(stack: Stack) -> list[tuple[int, int]]:
    """Sequence number and content of every event in every file of partition 1, file by file."""
    files = captured_files(stack.settings["AzureWebJobsStorage"], CAPTURE, "dev")
    assert {file.partition for file in files} == {"1"}
    assert all(file.name.endswith(".avro") and file.size > 0 for file in files)
    return [(event["SequenceNumber"], json.loads(event["Body"])["n"]) for file in files for event in file.events]


def test_what_either_protocol_sent_is_captured_once_across_a_restart(tmp_path: Path) -> None:
    with Stack(data_dir=tmp_path, ports=Ports.free()) as stack:
        assert captured_files(stack.settings["AzureWebJobsStorage"], CAPTURE, "dev") == []
        send(stack, range(20))
        stack.restart("eventhubs")
        send(stack, range(20, 40))
        stack.stop_services("eventhubs")
        found = captured(stack)
    assert sorted(found) == [(number, number) for number in range(40)]
