"""Reference inputs of a job: what of them is run, and what is refused with where it stands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.stack import JOB_DIR
from local.stream_analytics.definition import load
from local.stream_analytics.errors import DefinitionError
from local.stream_analytics.paths import ReferencePath

Change = Callable[..., Path]


def reference(**members: Any) -> dict[str, Any]:
    """A reference input as ARM has it, with some members of its source changed."""
    source = {
        "storageAccounts": [{"accountName": "<DataLake>"}],
        "container": "cities",
        "pathPattern": "{date}/{time}/cities.json",
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH-mm",
        "authenticationMode": "Msi",
        **members,
    }
    return {
        "name": "cities",
        "properties": {
            "type": "Reference",
            "datasource": {"type": "Microsoft.Storage/Blob", "properties": source},
            "serialization": {"type": "Json", "properties": {"encoding": "UTF8"}},
        },
    }


@pytest.fixture
def with_inputs(tmp_path: Path) -> Change:
    """The job with other inputs: its stream, and these."""

    def make(*more: dict[str, Any], stream: bool = True) -> Path:
        shutil.copytree(JOB_DIR, tmp_path / "job", dirs_exist_ok=True)
        file = tmp_path / "job" / "job.json"
        job = json.loads(file.read_text())
        job["inputs"] = job["inputs"][:1] * stream + list(more)
        file.write_text(json.dumps(job))
        return tmp_path / "job"

    return make


def test_a_sequence_and_a_blob_that_stands_still(with_inputs: Change) -> None:
    still = reference(pathPattern="a/cities.json")
    del still["properties"]["datasource"]["properties"]["timeFormat"]  # a format that nothing is written in
    still["name"] = "still"
    job = load(with_inputs(reference(), still))
    cities, one = job.references
    assert [source.name for source in job.inputs] == ["eventhub"]
    assert (cities.name, cities.setting, cities.file_system, cities.path.static) == (
        "cities", "DataLake", "cities", False,
    )  # fmt: skip
    assert str(cities.path.moment("2026-11-22/09-30/cities.json")) == "2026-11-22 09:30:00+00:00"
    assert (one.path.static, one.path.pattern) == (True, "a/cities.json")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"blobName": "x"}, r"inputs\[1\]: .*blobName: not run locally"),
        ({"deltaPathPattern": "x", "fullSnapshotRefreshRate": "1"}, "deltaPathPattern, fullSnapshotRefreshRate: not"),
        ({"authenticationMode": "ConnectionString"}, 'only "Msi" is'),
        ({"storageAccounts": [{"accountName": "<DataLake>", "accountKey": "x"}]}, "accountKey: not run locally"),
        ({"storageAccounts": [{"accountName": "<A>"}, {"accountName": "<B>"}]}, "it has to be one account"),
        ({"container": ""}, "container: it has to be a text"),
        ({"pathPattern": "{time}.json"}, "no variable, {date}, or {date} and {time}"),
        ({"pathPattern": "{day}.json"}, "no variable, {date}, or {date} and {time}"),
        ({"pathPattern": "/{date}.json"}, "no path of a file system"),
        ({"dateFormat": "yyyy/MM"}, "it has to have yyyy, MM and dd, each once"),
        ({"dateFormat": "yyyy/yyyy/MM/dd"}, "it has to have yyyy, MM and dd, each once"),
        ({"timeFormat": "mm"}, "timeFormat: 'mm' is not HH"),
    ],
)
def test_what_is_not_run_is_refused_by_name(with_inputs: Change, members: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        load(with_inputs(reference(**members)))


def test_a_variable_needs_its_format(with_inputs: Change) -> None:
    declared = reference()
    del declared["properties"]["datasource"]["properties"]["timeFormat"]
    with pytest.raises(DefinitionError, match="timeFormat is missing"):
        load(with_inputs(declared))


def test_other_sources_and_other_formats_of_reference_data_are_refused(with_inputs: Change) -> None:
    declared = reference()
    declared["properties"]["datasource"]["type"] = "Microsoft.Sql/Server/Database"
    with pytest.raises(DefinitionError, match=r"Microsoft\.Sql/Server/Database.* is not run locally"):
        load(with_inputs(declared))
    declared = reference()
    declared["properties"]["serialization"]["type"] = "Csv"
    with pytest.raises(DefinitionError, match='"Csv" is not run locally'):
        load(with_inputs(declared))


def test_names_are_of_streams_and_reference_data_together_and_there_is_a_stream(with_inputs: Change) -> None:
    declared = reference()
    declared["name"] = "EventHub"
    with pytest.raises(DefinitionError, match="two have the same name"):
        load(with_inputs(declared))
    with pytest.raises(DefinitionError, match="there is no stream"):
        load(with_inputs(reference(), stream=False))


@pytest.mark.parametrize(
    ("pattern", "formats", "name", "moment"),
    [
        ("s/{date}/{time}/p.csv", ("yyyy-MM-dd", "HH-mm"), "s/2015-04-16/17-30/p.csv", "2015-04-16 17:30"),
        ("{time}/{date}.json", ("dd/MM/yyyy", "HH"), "07/01/02/2026.json", "2026-02-01 07:00"),
        ("{date}.json", ("yyyy/MM/dd", "HH"), "2026/11/22.json", "2026-11-22 00:00"),
        ("{date}/{date}.json", ("MM-dd-yyyy", "HH"), "02-01-2026/02-01-2026.json", "2026-02-01 00:00"),
        ("{date}/{date}.json", ("MM-dd-yyyy", "HH"), "02-01-2026/03-01-2026.json", None),
        ("{date}.json", ("yyyy/MM/dd", "HH"), "2026/02/30.json", None),
        ("{date}.json", ("yyyy/MM/dd", "HH"), "2026/02/03xjson", None),
        ("{date}.json", ("yyyy/MM/dd", "HH"), "2026/2/3.json", None),
        ("still.json", ("yyyy/MM/dd", "HH"), "still.json", None),
    ],
)
def test_a_name_says_from_when_on_it_holds(
    pattern: str, formats: tuple[str, str], name: str, moment: str | None
) -> None:
    found = ReferencePath(pattern, *formats).moment(name)
    assert (found and f"{found:%Y-%m-%d %H:%M}") == moment


def test_what_is_listed_is_what_all_names_begin_with() -> None:
    assert ReferencePath("a/b-{date}/{time}.json").prefix == "a/b-"
    assert ReferencePath("{date}.json").prefix == ""
