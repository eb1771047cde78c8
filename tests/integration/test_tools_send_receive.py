"""`send` and `receive` against a real namespace, as processes."""

from __future__ import annotations

import json
import signal
from collections import defaultdict

import pytest

from local.children import Child
from tests.integration.tools_commands import Result, Tools, finish, hubs, tools
from tests.waiting import PATIENCE

__all__ = ["hubs", "tools"]


def test_what_is_sent_is_received_once_and_in_order_per_key(tools: Tools, hubs: Child) -> None:
    sent = tools.run("send", "--kind", "mixed", "--count", "600", "--json")
    assert sent.status == 0, sent.err
    (report,) = sent.lines()
    assert (report["sent"], report["bad"]) == (600, 0)
    assert report["seconds"] > 0

    received = tools.run("receive", "--from-start", "--count", "600", "--seconds", "30", "--json")
    assert received.status == 0, received.err
    events = received.lines()
    assert sorted(event["body"]["seq"] for event in events) == list(range(1, 601))
    by_key: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for event in events:
        assert event["key"] == event["body"]["pk"]
        by_key[event["key"]].append((event["partition"], event["body"]["seq"]))
    assert any(len(found) > 5 for found in by_key.values())
    assert len({event["partition"] for event in events}) == 4
    for found in by_key.values():
        assert len({partition for partition, _ in found}) == 1
        assert [sequence for _, sequence in found] == sorted(sequence for _, sequence in found)


def test_bad_events_arrive_as_they_were_spoilt(tools: Tools, hubs: Child) -> None:
    expected = tools.run("send", "--kind", "weather", "--count", "16", "--bad", "0.5", "--json").lines()
    assert (expected[0]["sent"], expected[0]["bad"]) == (16, 8)
    events = tools.run("receive", "--from-start", "--count", "16", "--seconds", "30", "--json").lines()
    assert sum("body_base64" in event for event in events) == 1  # not UTF-8
    assert sum(event.get("body") == "" for event in events) == 1  # empty
    assert all(event["key"].startswith("K") for event in events)


def test_ctrl_c_reports_what_was_acknowledged(tools: Tools, hubs: Child) -> None:
    """GIVEN a receiver that listens, and a slow sender WHEN both are interrupted THEN their counts agree."""
    receiver = tools.start("receive", "--json")
    assert receiver.stderr is not None
    assert receiver.stdout is not None
    assert "listening" in receiver.stderr.readline()
    sender = tools.start("send", "--count", "100000", "--rate", "20", "--json")
    first = [json.loads(receiver.stdout.readline()) for _ in range(10)]
    sender.send_signal(signal.SIGINT)
    out, err = sender.communicate(timeout=PATIENCE)
    assert sender.returncode == 130, err
    count = json.loads(out)["sent"]
    assert 10 <= count < 100000
    rest = [json.loads(receiver.stdout.readline()) for _ in range(count - 10)]
    assert sorted(event["body"]["seq"] for event in first + rest) == list(range(1, count + 1))
    receiver.send_signal(signal.SIGINT)
    _, err = receiver.communicate(timeout=PATIENCE)
    assert receiver.returncode == 130
    assert f"dev: {count} received" in err


def test_one_partition_alone(tools: Tools, hubs: Child) -> None:
    tools.run("send", "--count", "40")
    some, missing = tools.run_together(
        ("receive", "--from-start", "--partition", "2", "--count", "3", "--seconds", "30", "--json"),
        ("receive", "--from-start", "--partition", "9"),
    )
    assert {event["partition"] for event in some.lines()} == {"2"}
    assert missing.status == 2
    assert "there is no partition 9: the hub has 0, 1, 2, 3" in missing.err


def test_the_producers_settings_choose_namespace_and_hub(tools: Tools, hubs: Child) -> None:
    """GIVEN the producers' connection string, which names its hub THEN commands use it, and --hub still wins."""
    tools.settings["AZURE_STREAMPOC_EVENTHUB_CONN_STRING"] = tools.settings.pop("EventHubs") + "EntityPath=weather"
    assert tools.run("send", "--kind", "weather", "--count", "3").status == 0
    everything = ("receive", "--from-start", "--count", "3")
    there, elsewhere = tools.run_together(
        (*everything, "--seconds", "20"), (*everything, "--hub", "dev", "--seconds", "3")
    )
    assert (there.status, elsewhere.status) == (0, 1)
    assert "weather: 3 received" in there.err
    assert "dev: 0 of 3 received" in elsewhere.err


def test_the_settings_file_of_the_directory_is_read(tools: Tools, hubs: Child) -> None:
    values = {"EventHubs": tools.settings.pop("EventHubs")}
    (tools.directory / "local.settings.json").write_text(json.dumps({"Values": values}))
    assert tools.run("send", "--count", "1").status == 0


def assert_one_line(result: Result, words: str) -> None:
    assert result.status == 1, result.err
    assert words in result.err
    assert "Traceback" not in result.err
    assert len([line for line in result.err.splitlines() if "error" in line]) == 1


def test_a_wrong_key_is_one_line(tools: Tools, hubs: Child) -> None:
    tools.settings["EventHubs"] = tools.settings["EventHubs"].replace("SharedAccessKey=", "SharedAccessKey=not")
    for ended in tools.run_together(("send",), ("receive",)):
        assert_one_line(ended, "access was refused")


def test_a_hub_or_group_that_does_not_exist_is_one_line(tools: Tools, hubs: Child) -> None:
    sent, received, refused = tools.run_together(
        ("send", "--hub", "nowhere"), ("receive", "--hub", "nowhere"), ("receive", "--consumer-group", "nobody")
    )
    assert_one_line(sent, "no such hub or consumer group")
    assert_one_line(received, "no such hub or consumer group")
    assert_one_line(refused, "no such consumer group")


def test_nobody_listening_is_one_line(tools: Tools, hubs: Child) -> None:
    hubs.stop()
    for ended in tools.run_together(("send",), ("receive",)):
        assert_one_line(ended, "python -m local up")


@pytest.mark.parametrize(("via", "reason"), [("sdk", ""), ("kafka", "cannot be reached over Kafka")])
def test_a_namespace_that_dies_is_a_failure_with_an_exact_count(
    tools: Tools, hubs: Child, via: str, reason: str
) -> None:
    """GIVEN a sender at work WHEN the namespace is killed THEN it reports what was acknowledged, and fails."""
    sender = tools.start("send", "--via", via, "--count", "100000", "--rate", "200", "--json")
    received = tools.run("receive", "--from-start", "--count", "20", "--seconds", "30")
    assert received.status == 0, received.err
    hubs.kill()
    ended = finish(sender)
    assert ended.status == 1, ended.err
    assert 20 <= ended.lines()[0]["sent"] < 100000
    assert "did not acknowledge" in ended.err
    assert reason in ended.err
    assert "Traceback" not in ended.err
