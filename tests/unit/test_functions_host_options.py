"""host.json and local.settings.json: what is taken, with which defaults, and what is refused in which words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.functions import settings
from local.functions.errors import HostJsonError, SettingsError
from local.functions.host_json import EventHubOptions, load, parse
from local.functions.timespan import format_timespan, parse_timespan


def event_hubs(values: dict[str, Any]) -> EventHubOptions:
    return parse({"version": "2.0", "extensions": {"eventHubs": values}}).event_hubs


def test_the_defaults_are_those_of_the_extension() -> None:
    options = event_hubs({})
    assert (options.max_batch, options.min_batch, options.max_wait) == (100, 1, 60.0)
    assert (options.prefetch, options.checkpoint_frequency, options.start) == (300, 1, "-1")


def test_every_option_is_read() -> None:
    options = event_hubs({
        "maxEventBatchSize": 500, "minEventBatchSize": 5, "maxWaitTime": "00:00:10", "prefetchCount": 1000,
        "batchCheckpointFrequency": 3, "loadBalancingUpdateInterval": "00:00:05",
        "partitionOwnershipExpirationInterval": "00:01:00", "initialOffsetOptions": {"type": "fromEnd"},
    })  # fmt: skip
    assert options == EventHubOptions(500, 5, 10.0, 1000, 3, "@latest", 5.0, 60.0)


def test_a_start_by_time_is_in_utc() -> None:
    options = event_hubs({
        "initialOffsetOptions": {"type": "fromEnqueuedTime", "enqueuedTimeUtc": "2026-11-22T09:00:00Z"}
    })  # fmt: skip
    assert options.start == datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"maxEventBatchSize": 0}, "maxEventBatchSize must be a whole number of at least 1"),
        ({"maxEventBatchSize": "100"}, "maxEventBatchSize must be"),
        ({"prefetchCount": True}, "prefetchCount must be"),
        ({"minEventBatchSize": 200}, "more than maxEventBatchSize"),
        ({"maxWaitTime": "10"}, "maxWaitTime: expected a time span"),
        ({"maxBatchSize": 10}, "write maxEventBatchSize"),
        ({"maxEventBatch": 10}, "maxEventBatch is not an option"),
        ({"initialOffsetOptions": {"type": "now"}}, "fromStart, fromEnd or fromEnqueuedTime"),
        ({"initialOffsetOptions": {"type": "fromEnqueuedTime"}}, "enqueuedTimeUtc"),
        ({"initialOffsetOptions": "fromEnd"}, "must be an object"),
    ],
)
def test_refuses_a_bad_option_by_name(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(HostJsonError, match=expected):
        event_hubs(values)


def test_the_function_timeout_has_a_default_and_can_be_lifted() -> None:
    assert parse({"version": "2.0"}).function_timeout == 1800.0
    assert parse({"version": "2.0", "functionTimeout": "00:10:00"}).function_timeout == 600.0
    assert parse({"version": "2.0", "functionTimeout": "-1"}).function_timeout is None
    with pytest.raises(HostJsonError, match=r"host\.json: functionTimeout: expected a time span"):
        parse({"version": "2.0", "functionTimeout": "ten minutes"})


def test_reads_the_route_prefix_and_the_log_levels() -> None:
    options = parse({
        "version": "2.0", "extensions": {"http": {"routePrefix": "/v1/"}},
        "logging": {"logLevel": {"default": "Warning", "Function": "None"}},
    })  # fmt: skip
    assert options.route_prefix == "v1"
    assert options.log_levels == {"default": 30, "Function": 100}


@pytest.mark.parametrize(
    ("document", "expected"),
    [({}, "version"), ([], "must be an object"), ({"version": "2.0", "logging": {"logLevel": {"a": "Loud"}}}, "Loud")],
)
def test_refuses_a_document_that_the_host_would_not_start_with(document: Any, expected: str) -> None:
    with pytest.raises(HostJsonError, match=expected):
        parse(document)


def test_a_missing_or_broken_file_says_which(tmp_path: Path) -> None:
    with pytest.raises(HostJsonError, match=r"host\.json: No such file"):
        load(tmp_path / "host.json")
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(HostJsonError, match=r"host\.json is not JSON"):
        load(tmp_path / "host.json")


def test_settings_are_over_the_file_by_their_path(tmp_path: Path) -> None:
    document = {"version": "2.0", "extensions": {"eventHubs": {"prefetchCount": 5, "maxEventBatchSize": 7}}}
    (tmp_path / "host.json").write_text(json.dumps(document))
    prefix = "AzureFunctionsJobHost__"
    environment = {
        f"{prefix}extensions__eventHubs__prefetchCount": "9",
        f"{prefix}functionTimeout": "00:00:05",
        f"{prefix}logging__logLevel__Function": "Error",
        "Other": "1",
    }
    options = load(tmp_path / "host.json", environment)
    assert (options.event_hubs.prefetch, options.event_hubs.max_batch) == (9, 7)
    assert (options.function_timeout, options.log_levels) == (5.0, {"Function": 40})
    with pytest.raises(HostJsonError, match="version is not an object"):
        load(tmp_path / "host.json", {f"{prefix}version__x": "1"})


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:00:10", 10.0), ("01:02:03", 3723.0), ("1.00:00:00", 86400.0), ("00:00:00.5", 0.5)]
)
def test_timespans(text: str, seconds: float) -> None:
    assert parse_timespan(text) == seconds
    assert parse_timespan(format_timespan(seconds)) == seconds


def settings_file(directory: Path, document: object) -> Path:
    (directory / "local.settings.json").write_text(json.dumps(document))
    return directory / "local.settings.json"


def test_the_environment_is_over_the_file(tmp_path: Path) -> None:
    environment = {"A": "set"}
    settings.load(settings_file(tmp_path, {"IsEncrypted": False, "Values": {"A": "file", "B": "file"}}), environment)
    assert environment == {"A": "set", "B": "file"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"Values": {"PORT": 1}}, r'Values\.PORT is int.* write "1"'),
        ({"Values": {"ON": True}}, 'write "true"'),
        ({"IsEncrypted": True, "Values": {}}, "func settings decrypt"),
        ({"Values": []}, "expected an object"),
    ],
)
def test_settings_that_func_refuses(tmp_path: Path, document: object, expected: str) -> None:
    with pytest.raises(SettingsError, match=expected):
        settings.load(settings_file(tmp_path, document), {})


def test_percent_names_resolve_and_missing_ones_are_named() -> None:
    assert settings.resolve("%A%-%B%", {"A": "1", "B": "2"}, "function f") == "1-2"
    with pytest.raises(SettingsError, match="function f: '%C%' does not resolve to a value"):
        settings.resolve("%C%", {}, "function f")


def test_a_connection_string_goes_before_an_identity() -> None:
    both = {"X": "Endpoint=sb://n/;EntityPath=hub", "X__fullyQualifiedNamespace": "n.servicebus.windows.net"}
    found = settings.event_hubs_connection("X", both, "f")
    assert (found.endpoint, found.part("entitypath")) == (None, "hub")
    identity = settings.event_hubs_connection(
        "X", {"X__fullyQualifiedNamespace": "n.servicebus.windows.net", "X__clientId": "c"}, "f"
    )
    assert (identity.endpoint, identity.client_id) == ("n.servicebus.windows.net", "c")
    with pytest.raises(SettingsError, match="X is not set"):
        settings.event_hubs_connection("X", {}, "f")


def test_the_number_of_threads_is_within_the_workers_limits() -> None:
    name = "PYTHON_THREADPOOL_THREAD_COUNT"
    assert settings.thread_count({}) is None
    assert settings.thread_count({name: "4"}) == 4
    with pytest.raises(SettingsError, match="from 1 to 32"):
        settings.thread_count({name: "64"})


def test_storage_knows_the_emulator_and_accounts_by_name() -> None:
    emulator = settings.storage_connection({"AzureWebJobsStorage": "UseDevelopmentStorage=true"})
    assert emulator.part("AccountName") == "devstoreaccount1"
    named = settings.storage_connection({"AzureWebJobsStorage__accountName": "acc"})
    assert named.endpoint == "https://acc.blob.core.windows.net"
