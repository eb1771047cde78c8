"""kcat, the command-line client of Debian, with the librdkafka of some years ago: what one types, unchanged."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

import local.eventhubs
from tests.integration.eventhubs_service import Namespace, collect, make_namespace, namespace
from tests.waiting import PATIENCE

__all__ = ["make_namespace", "namespace"]

KCAT = shutil.which("kcat")
TOPIC = "readings"

pytestmark = pytest.mark.skipif(
    KCAT is None,
    reason="kcat is not installed: `apt-get install kcat` on Debian and Ubuntu, `brew install kcat` on macOS",
)


def kcat(
    namespace: Namespace, *arguments: str, typed: str = "", key: str = local.eventhubs.DEFAULT_KEY
) -> subprocess.CompletedProcess[str]:
    """Run kcat as a person does, with the connection settings as options."""
    settings = local.eventhubs.kafka_settings(namespace.kafka_port, key)
    options = [word for name, value in settings.items() for word in ("-X", f"{name}={value}")]
    return subprocess.run(
        [str(KCAT), *options, *arguments], input=typed, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_it_lists_brokers_topics_and_partitions(namespace: Namespace) -> None:
    listed = kcat(namespace, "-L", "-J")
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout)
    assert {topic["topic"]: len(topic["partitions"]) for topic in found["topics"]} == {TOPIC: 4, "other": 1}
    (broker,) = found["brokers"]
    assert broker["name"].endswith(f":{namespace.kafka_port}")
    assert found["controllerid"] == broker["id"]


def test_what_it_produces_it_consumes_with_keys_and_headers(namespace: Namespace) -> None:
    typed = "".join(f"K{number}:reading {number}\n" for number in range(5))
    sent = kcat(namespace, "-P", "-t", TOPIC, "-p", "2", "-K", ":", "-H", "unit=celsius", "-H", "site=a", typed=typed)
    assert sent.returncode == 0, sent.stderr
    consumed = kcat(namespace, "-C", "-t", TOPIC, "-o", "beginning", "-e", "-q", "-f", "%t/%p/%o %k %h %s\n")
    assert consumed.returncode == 0, consumed.stderr
    assert consumed.stdout.splitlines() == [
        f"{TOPIC}/2/{number} K{number} unit=celsius,site=a reading {number}" for number in range(5)
    ]


async def test_what_it_produces_the_event_hubs_sdk_reads(namespace: Namespace) -> None:
    kcat(namespace, "-P", "-t", TOPIC, "-p", "2", "-K", ":", "-H", "unit=celsius", "-z", "gzip", typed="K1:a\nK2:b\n")
    events = await collect(namespace, 2, partition_id="2")
    assert [(event.body_as_str(), event.properties, event.offset) for event in events] == [
        ("a", {b"unit": b"celsius"}, "0"), ("b", {b"unit": b"celsius"}, "1"),
    ]  # fmt: skip
    assert [event.system_properties[b"x-opt-kafka-key"] for event in events] == [b"K1", b"K2"]


def test_it_consumes_from_an_offset_and_from_the_end(namespace: Namespace) -> None:
    kcat(namespace, "-P", "-t", TOPIC, "-p", "0", typed="".join(f"{number}\n" for number in range(10)))
    for offset, expected in (("7", ["7", "8", "9"]), ("-2", ["8", "9"]), ("end", [])):
        consumed = kcat(namespace, "-C", "-t", TOPIC, "-p", "0", "-o", offset, "-e", "-q")
        assert consumed.stdout.split() == expected


def test_it_consumes_as_a_member_of_a_group(namespace: Namespace) -> None:
    kcat(namespace, "-P", "-t", TOPIC, typed="".join(f"{number}\n" for number in range(20)))
    first = kcat(namespace, "-G", "watchers", "-X", "auto.offset.reset=earliest", "-c", "20", "-q", TOPIC)
    assert sorted(map(int, first.stdout.split())) == list(range(20)), first.stderr
    kcat(namespace, "-P", "-t", TOPIC, typed="20\n")
    then = kcat(namespace, "-G", "watchers", "-X", "auto.offset.reset=earliest", "-c", "1", "-q", TOPIC)
    assert then.stdout.split() == ["20"], then.stderr


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_it_compresses_what_it_produces(namespace: Namespace, codec: str) -> None:
    """It sends uncompressed, without a word, where it believes that the broker knows no compression."""
    typed = "".join(f"reading {number} of many that look alike\n" for number in range(200))
    sent = kcat(
        namespace, "-P", "-t", TOPIC, "-p", "1", "-z", codec, "-X", "debug=msg", "-X", "linger.ms=50", typed=typed
    )
    assert sent.returncode == 0, sent.stderr
    assert f", {codec})" in sent.stderr
    consumed = kcat(namespace, "-C", "-t", TOPIC, "-p", "1", "-o", "beginning", "-e", "-q")
    assert consumed.stdout == typed


def test_a_wrong_key_is_refused_with_the_reason(namespace: Namespace) -> None:
    refused = kcat(namespace, "-L", "-m", "3", key="wrong")
    assert refused.returncode != 0
    assert "SASL authentication error" in refused.stderr
    assert "SharedAccessKey" in refused.stderr
