"""host.json against the sizes of infra/: what an invocation is given, it can finish before it is cut off."""

from __future__ import annotations

import json

import orjson
import pytest

from local.cosmos.charges import replace_charge
from local.functions.host_json import load
from shared.batches import Batch
from shared.records import pack
from shared.stages.enrich import ENRICH_PLACES
from shared.stages.split import SPLIT
from shared.stages.stored import STORE_DOCUMENTS
from tests.unit.bicep_files import INFRA
from tests.unit.test_split import PLACE
from tests.unit.trigger import events


@pytest.mark.parametrize("profile", ["dev", "prod"])
def test_a_throttled_store_ends_its_largest_batches_before_the_function_times_out(profile: str) -> None:
    # GIVEN: a backlog of full packs in every partition, all of whose documents are there from a run that was cut off.
    # What a worker that is cut off has done is forgotten with it, so a batch that takes longer would never end.
    split = SPLIT.process(Batch.of(events("dev", [PLACE] * 300)))
    records = [orjson.loads(payload) for _, payload in split.outputs["places"]]
    enriched = ENRICH_PLACES.process(Batch.of(events("places", [records])))
    body, count = next(pack(payload for _, payload in enriched.outputs["enriched"]))
    stored, _ = STORE_DOCUMENTS.read(Batch.of(events("enriched", [body])))
    assert len(stored) == count
    sizes = json.loads((INFRA / f"parameters.{profile}.json").read_text())
    options = load(INFRA.parent / "host.json", {})

    # THEN: the account has the request units for all of them within the time that one invocation has
    one_pack = sum(replace_charge(len(item.line), len(item.line), 0) for item in stored)
    units = one_pack * options.event_hubs.max_batch * sizes["partitions"]
    assert options.function_timeout is not None
    assert units / sizes["cosmosMaxThroughput"] < options.function_timeout
