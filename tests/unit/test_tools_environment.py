"""Settings: the environment, then local.settings.json; and the producers' own names for Event Hubs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.settings import SettingsError
from tools import environment

STRING = "Endpoint=sb://one.servicebus.windows.net/;SharedAccessKeyName=k;SharedAccessKey=s"


def write(directory: Path, **values: object) -> None:
    (directory / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))


def test_the_file_fills_in_what_the_environment_lacks(tmp_path: Path) -> None:
    write(tmp_path, Cosmos="from the file", EventHubs="from the file")
    settings = environment.load({"EventHubs": "from the environment"}, tmp_path)
    assert settings["EventHubs"] == "from the environment"
    assert settings["Cosmos"] == "from the file"


def test_no_file_is_no_error(tmp_path: Path) -> None:
    assert environment.load({"A": "1"}, tmp_path) == {"A": "1"}


@pytest.mark.parametrize(
    ("stated", "in_file"),
    [
        ("EventHubs__fullyQualifiedNamespace", "EventHubs"),
        ("EventHubs", "AZURE_STREAMPOC_EVENTHUB_CONN_STRING"),
        ("AZURE_STREAMPOC_EVENTHUB_NAMESPACE", "EventHubs"),
        ("Cosmos__accountEndpoint", "Cosmos"),
        ("DataLake__serviceUri", "DataLake"),
    ],
)
def test_a_connection_comes_whole_from_one_place(tmp_path: Path, stated: str, in_file: str) -> None:
    """GIVEN an identity in the environment THEN a connection string in the file does not win over it."""
    write(tmp_path, **{in_file: "from the file"})
    assert environment.load({stated: "x"}, tmp_path) == {stated: "x"}


def test_kafkas_address_is_no_connection_by_itself_but_goes_with_one(tmp_path: Path) -> None:
    address = "EventHubs__kafkaBootstrapServers"
    write(tmp_path, EventHubs="from the file")
    assert environment.load({address: "x"}, tmp_path) == {address: "x", "EventHubs": "from the file"}
    write(tmp_path, EventHubs="from the file", **{address: "of the file"})
    assert environment.load({"EventHubs": "x"}, tmp_path) == {"EventHubs": "x"}


@pytest.mark.parametrize("text", ["not json", "[]", '{"Values": []}'])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "local.settings.json").write_text(text)
    with pytest.raises(SettingsError, match=r"local\.settings\.json"):
        environment.load({}, tmp_path)


def test_the_producers_string_wins_and_leaves_its_hub_to_the_default() -> None:
    settings = {"EventHubs": "other", "AZURE_STREAMPOC_EVENTHUB_CONN_STRING": f"{STRING};EntityPath=sensors"}
    assert environment.event_hubs(settings).connection_string == STRING
    assert environment.default_hub(settings) == "sensors"


def test_the_producers_hub_name_wins_over_their_strings() -> None:
    settings = {
        "AZURE_STREAMPOC_EVENTHUB_CONN_STRING": f"{STRING};EntityPath=sensors",
        "AZURE_STREAMPOC_EVENTHUB_HUBNAME": "mine",
    }
    assert environment.default_hub(settings) == "mine"


def test_without_any_the_hub_is_dev() -> None:
    assert environment.default_hub({}) == "dev"


@pytest.mark.parametrize("namespace", ["one", "one.servicebus.windows.net"])
def test_the_producers_namespace_is_reached_with_an_identity(namespace: str) -> None:
    connection = environment.event_hubs({"AZURE_STREAMPOC_EVENTHUB_NAMESPACE": namespace})
    assert (connection.connection_string, connection.endpoint) == (None, "one.servicebus.windows.net")


def test_nothing_set_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="EventHubs is not set"):
        environment.event_hubs({})
