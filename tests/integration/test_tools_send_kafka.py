"""`send --via kafka` against a real namespace, as a process: beside `--via sdk`, and when something is wrong."""

from __future__ import annotations

import re
from collections import defaultdict

from local.children import Child
from tests.integration.tools_commands import Tools, finish, hubs, tools

__all__ = ["hubs", "tools"]


def test_events_of_a_key_share_a_partition_and_keep_their_order_over_both_protocols(tools: Tools, hubs: Child) -> None:
    """GIVEN the same keys sent over AMQP, then over Kafka WHEN read THEN each key is in one place, in order."""
    over_amqp = tools.run("send", "--via", "sdk", "--kind", "mixed", "--count", "300", "--json")
    over_kafka = tools.run("send", "--via", "kafka", "--kind", "mixed", "--count", "300", "--json")
    for sent in (over_amqp, over_kafka):
        assert sent.status == 0, sent.err
        assert sent.lines()[0]["sent"] == 300

    received = tools.run("receive", "--from-start", "--count", "600", "--seconds", "30", "--json")
    assert received.status == 0, received.err
    by_key: dict[str, list[tuple[str, int, str, int]]] = defaultdict(list)
    for event in received.lines():
        body = event["body"]
        assert event["key"] == body["pk"]
        by_key[body["pk"]].append((event["partition"], event["sequence"], body["sender"], body["seq"]))
    assert len({partition for found in by_key.values() for partition, *_ in found}) == 4
    for found in by_key.values():
        assert len({partition for partition, *_ in found}) == 1
        in_order = [
            (sender != "python_ms_sdk", number) for _, _, sender, number in sorted(found, key=lambda row: row[1])
        ]
        assert in_order == sorted(in_order)
    senders = [sender for found in by_key.values() for *_, sender, _ in found]
    assert {sender: senders.count(sender) for sender in senders} == {"python_ms_sdk": 300, "python_kafka_sdk": 300}


def test_verbose_says_where_each_event_landed(tools: Tools, hubs: Child) -> None:
    over_kafka = tools.run("send", "--via", "kafka", "--count", "20", "-v")
    received = tools.run("receive", "--from-start", "--count", "20", "--seconds", "30", "--json").lines()
    expected = {(event["partition"], str(event["sequence"]), event["body"]["pk"]) for event in received}
    lines = [re.fullmatch(r"dev partition (\d) offset (\d+) key (\d+)", line) for line in over_kafka.out.splitlines()]
    assert {line.groups() for line in lines if line} == expected
    assert len(lines) == 20

    over_amqp = tools.run("send", "--via", "sdk", "--count", "20", "-v").out.splitlines()
    places = {(partition, key) for partition, _, key in expected}
    assert {(line[len("dev partition ")], line.rpartition(" ")[2]) for line in over_amqp} == places


def test_bad_events_arrive_as_they_were_spoilt(tools: Tools, hubs: Child) -> None:
    sent = tools.run("send", "--via", "kafka", "--kind", "weather", "--count", "16", "--bad", "0.5", "--json").lines()
    assert (sent[0]["sent"], sent[0]["bad"]) == (16, 8)
    events = tools.run("receive", "--from-start", "--count", "16", "--seconds", "30", "--json").lines()
    assert sum("body_base64" in event for event in events) == 1  # not UTF-8
    assert sum(event.get("body") == "" for event in events) == 1  # empty


def test_what_is_wrong_is_one_line(tools: Tools, hubs: Child) -> None:
    """A wrong key, an unknown hub, nobody listening, a name that nobody has: no retries for minutes, no log lines."""
    right = dict(tools.settings)
    started = {}
    tools.settings["EventHubs"] = right["EventHubs"].replace("SharedAccessKey=", "SharedAccessKey=not")
    started["access was refused"] = tools.start("send", "--via", "kafka")
    tools.settings = dict(right)
    started["no such hub (hub nowhere: "] = tools.start("send", "--via", "kafka", "--hub", "nowhere")
    tools.settings["EventHubs__kafkaBootstrapServers"] = "localhost:1"
    started["localhost:1/"] = tools.start("send", "--via", "kafka")
    tools.settings["EventHubs__kafkaBootstrapServers"] = "nobody.invalid:9093"
    started["nobody.invalid"] = tools.start("send", "--via", "kafka")
    for words, process in started.items():
        ended = finish(process)
        assert ended.status == 1, ended.err
        assert ended.err.startswith("error: ")
        assert words in ended.err
        assert ended.err.count("\n") == 1, ended.err
