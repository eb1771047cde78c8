"""A job as it deploys: its files fit together and with the hubs, and what this service cannot do is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.sql.asa.values import TICKS_PER_SECOND
from local.stack import CONTAINERS, FILE_SYSTEMS, HUBS, JOB_DIR, REFERENCE
from local.stream_analytics.definition import CosmosOutput, LakeOutput, load
from local.stream_analytics.errors import DefinitionError
from local.stream_analytics.job import compile_job
from local.stream_analytics.paths import PathPattern


def test_the_job_compiles_and_has_just_the_inputs_and_outputs_of_its_file() -> None:
    job = load(JOB_DIR)
    compiled = compile_job(
        job.query,
        inputs={source.name: 4 for source in job.inputs},
        references={source.name: [] for source in job.references},
        outputs=[output.name for output in job.outputs],
        policies=job.policies,
    )
    assert sorted(compiled.inputs) == sorted(source.name for source in job.inputs)
    assert sorted(compiled.references) == sorted(source.name for source in job.references)
    assert sorted(compiled.outputs) == sorted(output.name for output in job.outputs)
    assert job.policies.late_arrival == 30 * TICKS_PER_SECOND
    assert job.settings() == {"EventHubs", "Cosmos", "DataLake"}


def test_what_it_reads_and_writes_exists() -> None:
    job = load(JOB_DIR)
    (namespace,) = json.loads(HUBS.read_text())["UserConfig"]["NamespaceConfig"]
    groups = {hub["Name"]: [group["Name"] for group in hub["ConsumerGroups"]] for hub in namespace["Entities"]}
    assert all(source.consumer_group in groups[source.hub] for source in job.inputs)
    for source in job.references:
        assert source.file_system in FILE_SYSTEMS
        assert source.file_system == REFERENCE.name
        assert (REFERENCE / source.path.pattern).is_file()
    cosmos = json.loads(CONTAINERS.read_text())
    containers = [(cosmos["database"], c["id"], c["partitionKey"]["paths"]) for c in cosmos["containers"]]
    for output in job.outputs:
        if isinstance(output, CosmosOutput):
            assert (output.database, output.container, [f"/{output.partition_key}"]) in containers
        else:
            assert output.file_system in FILE_SYSTEMS


def test_no_secret_is_in_the_file() -> None:
    text = (JOB_DIR / "job.json").read_text()
    assert 'Key":' not in text.replace('"partitionKey":', "")
    assert "AccountKey" not in text


@pytest.fixture
def change(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the job with one member of its file at a path changed, or gone when the value is `...`."""

    def make(*path: str | int, value: Any = ...) -> Path:
        shutil.copytree(JOB_DIR, tmp_path / "job", dirs_exist_ok=True)
        file = tmp_path / "job" / "job.json"
        member = root = json.loads(file.read_text())
        for step in path[:-1]:
            member = member[step]
        if value is ...:
            del member[path[-1]]
        else:
            member[path[-1]] = value
        file.write_text(json.dumps(root))
        return tmp_path / "job"

    return make


HUB = ("inputs", 0, "properties", "datasource", "properties")
LAKE = ("outputs", 0, "properties", "datasource", "properties")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("compatibilityLevel",), "1.1", r'job\.json: compatibilityLevel: "1\.1" is not run locally, only "1\.2" is'),
        (("eventsLateArrivalMaxDelayInSeconds",), -1, "eventsLateArrivalMaxDelayInSeconds: .* 0 to 1814399"),
        (("eventsOutOfOrderMaxDelayInSeconds",), "5", "a whole number of seconds"),
        (("outputErrorPolicy",), ..., "outputErrorPolicy is missing"),
        (("functions",), [], "functions: not run locally"),
        (("inputs",), [], "inputs: .* an array with something in it"),
        (("inputs", 0, "properties", "type"), "Other", r'inputs\[0\]: properties: type: "Other" is not run'),
        (("inputs", 0, "properties", "type"), "Reference", r'"Microsoft.EventHub/EventHub" is not run locally'),
        (("inputs", 0, "properties", "compression"), {"type": "GZip"}, "compression: not run locally"),
        (("inputs", 0, "properties", "serialization", "type"), "Avro", '"Avro" is not run locally, only "Json"'),
        ((*HUB, "serviceBusNamespace"), "mine", "the name of a setting, as <EventHubs>"),
        ((*HUB, "sharedAccessPolicyKey"), "secret", "sharedAccessPolicyKey: not run locally"),
        ((*HUB, "eventHubName"), ..., "eventHubName is missing"),
        (("outputs", 1, "properties", "datasource", "type"), "PowerBI", '"PowerBI" is not run locally'),
        (("outputs", 1, "name"), "ADL", "two have the same name"),
        ((*LAKE, "pathPattern"), "{date}", "has to have {date} and {time}"),
        ((*LAKE, "pathPattern"), "../{date}/{time}", "no path of a file system"),
        ((*LAKE, "dateFormat"), "DD/MM", "dateFormat"),
        ((*LAKE, "blobWriteMode"), "Append", 'only "Once" is'),
    ],
)
def test_what_is_not_run_is_refused_with_where_it_stands(
    change: Callable[..., Path], path: tuple[str | int, ...], value: Any, said: str
) -> None:
    with pytest.raises(DefinitionError, match=said):
        load(change(*path, value=value))


def test_a_byte_order_mark_is_no_part_of_a_file(change: Callable[..., Path]) -> None:
    job = change("outputErrorPolicy", value="Stop")
    for file in (job / "job.asaql", job / "job.json"):
        file.write_text(file.read_text("utf-8"), "utf-8-sig")
    assert load(job).query == load(JOB_DIR).query


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"job\.json: No such file"):
        load(tmp_path)
    (tmp_path / "job.json").write_text('{\n  "inputs": oops}')
    with pytest.raises(DefinitionError, match=r"job\.json:2:13: no JSON"):
        load(tmp_path)


def test_folders_are_of_the_time_in_utc() -> None:
    moment = 1_795_338_061.9  # 2026-11-22T09:01:01.9Z
    assert PathPattern("{date}/{time}", "yyyy/MM/dd", "HH").folder(moment) == "2026/11/22/09"
    assert PathPattern("a/d={date}/t={time}", "dd-MM-yyyy", "HH/mm").folder(moment) == "a/d=22-11-2026/t=09/01"


def test_the_lake_output_is_line_separated_under_date_and_time() -> None:
    (lake,) = (output for output in load(JOB_DIR).outputs if isinstance(output, LakeOutput))
    assert (lake.file_system, lake.path.folder(0)) == ("stream", "1970/01/01/00")
