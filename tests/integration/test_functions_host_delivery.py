"""What an Event Hub trigger delivers, in what form, and what it checkpoints."""

from __future__ import annotations

import json

from tests.integration.functions_service import AppFactory, Namespace, app, azurite, namespace
from tests.waiting import wait_until

__all__ = ["app", "azurite", "namespace"]

RECORD_BODIES = """
@on_hub()
def stage(events: Events, context: func.Context) -> None:
    record(bodies=[event.get_body().decode() for event in events],
           partition=events[0].metadata["TriggerPartitionContext"]["PartitionId"],
           name=context.function_name)
"""


def test_delivers_everything_in_order_per_partition(app: AppFactory, namespace: Namespace) -> None:
    app.write(RECORD_BODIES, host_json={"extensions": {"eventHubs": {"maxEventBatchSize": 7}}})
    host = app.start(namespace)
    assert host.child.ready["functions"] == ["stage"]
    sent = {partition: [f"{partition}-{number}" for number in range(50)] for partition in range(4)}
    for partition, bodies in sent.items():
        namespace.send(*bodies, partition=partition)
    wait_until(lambda: len(app.bodies()) >= 200, "200 events delivered")
    received: dict[int, list[str]] = {partition: [] for partition in sent}
    for entry in app.records():
        assert len(entry["bodies"]) <= 7
        assert entry["name"] == "stage"
        received[int(entry["partition"])] += entry["bodies"]
    assert received == sent
    wait_until(lambda: [app.checkpoint(namespace, number) for number in range(4)] == [49] * 4, "checkpoints at the end")
    assert host.log().count("[Information] Function.stage: Executed 'Functions.stage' (Succeeded, Id=") == len(
        app.records()
    )


def test_checkpoints_have_the_layout_of_the_real_host(app: AppFactory, namespace: Namespace) -> None:
    app.write(RECORD_BODIES)
    app.start(namespace)
    namespace.send("x", partition=2)
    wait_until(lambda: app.checkpoint(namespace, 2) == 0, "the checkpoint")
    prefix = f"localhost:{namespace.child.port}/{namespace.hub}/stage"
    ours = {name: metadata for name, metadata in app.checkpoints().items() if name.startswith(prefix)}
    assert set(ours) == {f"{prefix}/checkpoint/2", *(f"{prefix}/ownership/{number}" for number in range(4))}
    assert ours[f"{prefix}/checkpoint/2"]["sequencenumber"] == "0"
    assert set(ours[f"{prefix}/checkpoint/2"]) == {"offset", "sequencenumber"}
    assert ours[f"{prefix}/ownership/0"]["ownerid"]


def test_a_restart_resumes_at_the_checkpoint(app: AppFactory, namespace: Namespace) -> None:
    app.write(RECORD_BODIES)
    first = app.start(namespace, name="first")
    namespace.send("1", "2")
    wait_until(lambda: app.checkpoint(namespace) == 1, "the first checkpoint")
    assert first.child.stop() == 0
    namespace.send("3")
    app.start(namespace, name="second")
    wait_until(lambda: "3" in app.bodies("second"), "the event sent in between")
    assert app.bodies("second") == ["3"]


def test_events_carry_what_the_worker_gives_them(app: AppFactory, namespace: Namespace) -> None:
    app.write("""
@on_hub()
async def stage(events: Events) -> None:
    metadata = events[0].metadata
    record(bodies=[event.get_body().hex() for event in events], sequences=[event.sequence_number for event in events],
           times=[event.enqueued_time.tzinfo is None for event in events], properties=metadata["PropertiesArray"],
           system=sorted(metadata["SystemPropertiesArray"][0]), context=metadata["PartitionContext"])
""")
    app.start(namespace)
    namespace.send(b"", b"\xff\x00", "{}", partition=1, properties={"kind": "place", b"raw": b"bytes", "n": 3})
    wait_until(lambda: len(app.bodies()) == 3, "three events")
    told = app.records()
    assert app.bodies() == ["", "ff00", "7b7d"]
    assert [number for entry in told for number in entry["sequences"]] == [0, 1, 2]
    assert all(all(entry["times"]) for entry in told)
    assert told[0]["properties"][0] == {"kind": "place", "raw": "bytes", "n": 3}
    assert told[0]["system"] == ["EnqueuedTimeUtc", "Offset", "OffsetString", "PartitionKey", "SequenceNumber"]
    assert told[0]["context"] == {
        "IsCheckpointingAfterInvocation": True,
        "FullyQualifiedNamespace": f"localhost:{namespace.child.port}",
        "EventHubName": namespace.hub,
        "ConsumerGroup": "stage",
        "PartitionId": "1",
    }


def test_cardinality_one_calls_once_per_event(app: AppFactory, namespace: Namespace) -> None:
    app.write("""
@on_hub(many=False)
def stage(events: func.EventHubEvent) -> None:
    record(bodies=[events.get_body().decode()], sequence=events.sequence_number, metadata=events.metadata["Properties"])
""")
    app.start(namespace)
    namespace.send("a", "b", "c", properties={"p": 1})
    wait_until(lambda: app.checkpoint(namespace) == 2, "the checkpoint")
    assert [(entry["bodies"], entry["sequence"], entry["metadata"]) for entry in app.records()] == [
        (["a"], 0, {"p": 1}),
        (["b"], 1, {"p": 1}),
        (["c"], 2, {"p": 1}),
    ]


def test_data_type_string_fails_a_batch_with_an_empty_body(app: AppFactory, namespace: Namespace) -> None:
    app.write("""
@on_hub(data_type=func.DataType.STRING)
def stage(events: Events) -> None:
    record(bodies=[event.get_body().decode() for event in events])
""")
    host = app.start(namespace)
    namespace.send("a", "", "b")
    wait_until(lambda: app.checkpoint(namespace) == 2, "the checkpoint past the failed batch")
    assert app.bodies() == []
    assert "Number of bodies and metadata mismatched" in host.log()


def test_without_a_data_type_the_host_parses_json(app: AppFactory, namespace: Namespace) -> None:
    app.write("""
@on_hub(data_type=None)
def stage(events: Events) -> None:
    record(bodies=[event.get_body().decode() for event in events])
""")
    host = app.start(namespace)
    namespace.send(' {"a" : 1}')
    wait_until(app.bodies, "the parsed event")
    assert [json.loads(body) for body in app.bodies()] == [{"a": 1}]
    assert app.bodies()[0].startswith("{")  # written again by the worker, not what was sent
    namespace.send("not json")
    wait_until(lambda: "write data_type=func.DataType.BINARY" in host.log(), "the refusal of a body that is not JSON")
    assert len(app.bodies()) == 1


def test_a_minimum_batch_waits_for_it_or_for_its_time(app: AppFactory, namespace: Namespace) -> None:
    hubs = {"minEventBatchSize": 10, "maxEventBatchSize": 10, "maxWaitTime": "00:00:02"}
    app.write(RECORD_BODIES, host_json={"extensions": {"eventHubs": hubs}})
    app.start(namespace)
    namespace.send(*"012345")
    namespace.send(*"6789")
    namespace.send("late")
    wait_until(lambda: len(app.bodies()) == 11, "both batches")
    assert [len(entry["bodies"]) for entry in app.records()] == [10, 1]
