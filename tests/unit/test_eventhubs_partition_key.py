"""A partition key goes to the partition that the service sends it to."""

from __future__ import annotations

from azure.eventhub._buffered_producer._partition_resolver import generate_hash_code
from hypothesis import given
from hypothesis import strategies as st

from local.eventhubs.partition_key import partition_for


@given(st.text(st.characters(max_codepoint=127), min_size=1, max_size=80), st.integers(1, 32))
def test_it_is_the_sdks_hash(key: str, count: int) -> None:
    assert partition_for(key, count) == abs(generate_hash_code(key)) % count


def test_known_hashes() -> None:
    # From azure-sdk-for-net's PartitionResolverTests: the keys hash to 12977 and -22341.
    assert partition_for("7149583486996073602", 32_768) == 12_977
    assert partition_for("FWfAT", 32_768) == 22_341


@given(st.text(min_size=1), st.integers(1, 32))
def test_any_key_has_a_partition(key: str, count: int) -> None:
    assert 0 <= partition_for(key, count) < count
