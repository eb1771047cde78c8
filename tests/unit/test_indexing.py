"""The host indexes an app by the worker's rules, and says of each refusal which function, what, and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.functions.bindings import EventHubTrigger, HttpTrigger
from local.functions.errors import AppImportError, IndexingError
from local.functions.worker.indexing import IndexedFunction, index

HUB = """
import typing
import azure.functions as func
app = func.FunctionApp()

def hub(cardinality=func.Cardinality.MANY, data_type=func.DataType.BINARY):
    return app.event_hub_message_trigger(
        arg_name="events", event_hub_name="dev", connection="EventHubs", consumer_group="split",
        cardinality=cardinality, data_type=data_type)
"""


def index_source(directory: Path, source: str) -> list[IndexedFunction]:
    (directory / "function_app.py").write_text(source)
    return index(directory)


def refusal(directory: Path, source: str) -> str:
    with pytest.raises(IndexingError) as raised:
        index_source(directory, source)
    return str(raised.value)


def test_reads_bindings_retry_policy_and_what_the_call_needs(tmp_path: Path) -> None:
    (function,) = index_source(
        tmp_path,
        HUB
        + """
@hub()
@app.retry(strategy="exponential_backoff", max_retry_count="-1", minimum_interval="00:00:02",
           maximum_interval="00:01:00")
async def split(events: typing.List[func.EventHubEvent], context: func.Context) -> None: ...
""",
    )
    assert function.name == "split"
    assert function.trigger == EventHubTrigger("events", "dev", "split", "EventHubs", data_type=2, many=True)
    assert function.is_async
    assert function.requires_context
    assert not function.has_return
    assert function.converter == "eventHubTrigger"
    assert function.retry is not None
    assert (function.retry.max_retry_count, function.retry.minimum, function.retry.maximum) == (-1, 2.0, 60.0)


def test_reads_a_route_and_falls_back_to_the_function_name(tmp_path: Path) -> None:
    functions = index_source(
        tmp_path,
        """
import azure.functions as func
bp = func.Blueprint()
@bp.route(route="events/{id}", methods=["POST", "GET"])
def ingest(req: func.HttpRequest) -> func.HttpResponse: ...
@bp.route()
def health(req: func.HttpRequest) -> str: ...
app = func.FunctionApp()
app.register_functions(bp)
""",
    )
    triggers = [function.trigger for function in functions]
    assert all(isinstance(trigger, HttpTrigger) for trigger in triggers)
    assert [trigger.route.template for trigger in triggers if isinstance(trigger, HttpTrigger)] == [
        "events/{id}",
        "health",
    ]
    assert all(function.has_return for function in functions)


def test_str_and_bytes_are_decoded_by_the_generic_converter(tmp_path: Path) -> None:
    (function,) = index_source(
        tmp_path, HUB + "@hub(cardinality=func.Cardinality.ONE)\ndef split(events: bytes) -> None: ...\n"
    )
    assert function.converter == "generic"


def test_an_unregistered_blueprint_is_an_app_without_functions(tmp_path: Path) -> None:
    source = "import azure.functions as func\nbp = func.Blueprint()\n"
    source += "@bp.route()\ndef health(req: func.HttpRequest) -> str: ...\napp = func.FunctionApp()\n"
    assert index_source(tmp_path, source) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "@hub()\ndef split(events: list[func.EventHubEvent]) -> None: ...",
            "write typing.List",
        ),
        (
            "@hub()\n@app.event_hub_output(arg_name='out', event_hub_name='x', connection='EventHubs')\n"
            "def split(events: typing.List[func.EventHubEvent], out: func.Out[list[str]]) -> None: ...",
            "write typing.List",
        ),
        (
            "@hub()\n@app.event_hub_output(arg_name='out', event_hub_name='x', connection='EventHubs')\n"
            "def split(events: typing.List[func.EventHubEvent], out: func.Out[str]) -> None: ...",
            "does not run eventHub output bindings",
        ),
        (
            "@hub()\n@app.event_hub_output(arg_name='out', event_hub_name='x', connection='EventHubs')\n"
            "def split(events: typing.List[func.EventHubEvent], out: str) -> None: ...",
            "write func.Out[str]",
        ),
        (
            "@hub()\ndef split(events: typing.List[func.EventHubEvent] | None) -> None: ...",
            "not a type to the worker",
        ),
        ("@hub()\ndef split(events: typing.List[bytes]) -> None: ...", "does not fit the eventHubTrigger binding"),
        ("@hub()\ndef split(events: func.TimerRequest) -> None: ...", "does not fit the eventHubTrigger binding"),
        ("@hub()\ndef split(event: typing.List[func.EventHubEvent]) -> None: ...", "parameters event are in the"),
        ("@hub()\ndef split() -> None: ...", "bind events, which the signature does not have"),
        (
            "@hub()\ndef split(events: typing.List[func.EventHubEvent], context: int) -> None: ...",
            "write func.Context",
        ),
        ("@hub()\ndef split(events: 'Missing') -> None: ...", "cannot be evaluated"),
        (
            "@hub(cardinality=func.Cardinality.ONE)\ndef split(events: typing.List[func.EventHubEvent]) -> None: ...",
            "Cardinality.MANY",
        ),
        ("@hub()\ndef split(events: func.EventHubEvent) -> None: ...", "with cardinality many"),
        (
            "@hub()\n@app.retry(strategy='fixed_delay', max_retry_count='3', delay_interval='10')\n"
            "def split(events: typing.List[func.EventHubEvent]) -> None: ...",
            "HH:MM:SS",
        ),
        (
            "@app.queue_trigger(arg_name='message', queue_name='q', connection='AzureWebJobsStorage')\n"
            "def split(message: func.QueueMessage) -> None: ...",
            "does not run queueTrigger bindings",
        ),
        ("@app.route()\ndef split(req: func.HttpRequest) -> dict: ...", "write func.HttpResponse or str"),
        ("@app.route()\ndef split(req: func.HttpRequest) -> None: ...", "write func.HttpResponse or str"),
        ("@app.route()\ndef split(req: dict) -> str: ...", "write func.HttpRequest"),
        ("@app.route(route='a/{id:lunar}')\ndef split(req: func.HttpRequest) -> str: ...", "constraint 'lunar'"),
        (
            "@app.timer_trigger(arg_name='timer', schedule='every day')\n"
            "def split(timer: func.TimerRequest) -> None: ...",
            "write six",
        ),
    ],
)
def test_refuses_what_the_worker_refuses(tmp_path: Path, body: str, expected: str) -> None:
    message = refusal(tmp_path, HUB + body + "\n")
    assert message.startswith("function split: ")
    assert expected in message


def test_reports_every_function_at_once(tmp_path: Path) -> None:
    body = "@hub()\ndef one(events: list[func.EventHubEvent]) -> None: ...\n@hub()\ndef two() -> None: ...\n"
    lines = refusal(tmp_path, HUB + body).splitlines()
    assert [line.split(":")[0] for line in lines] == ["function one", "function two"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import azure.functions as func\napp = func.FunctionApp()\nother = func.FunctionApp()\n", "app, other"),
        ("import azure.functions as func\napp = func.FunctionApp()\nsame = app\n", "two names"),
        ("import azure.functions as func\nbp = func.Blueprint()\n", "no FunctionApp"),
        (
            HUB + "@hub()\ndef split(events: typing.List[func.EventHubEvent]) -> None: ...\n" * 2,
            "unique",
        ),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.function_name('bare')\ndef bare() -> None: ...\n",
            "trigger",
        ),
    ],
)
def test_refuses_an_app_that_is_not_one(tmp_path: Path, source: str, expected: str) -> None:
    assert expected in refusal(tmp_path, source)


def test_refuses_two_functions_on_one_route(tmp_path: Path) -> None:
    body = "import azure.functions as func\napp = func.FunctionApp()\n"
    body += "@app.route(route='Same')\ndef one(req: func.HttpRequest) -> str: ...\n"
    body += "@app.route(route='same', methods=['GET'])\ndef two(req: func.HttpRequest) -> str: ...\n"
    assert refusal(tmp_path, body) == "function two: GET same is already the route of one"


def test_refuses_a_folder_that_hides_the_sdk(tmp_path: Path) -> None:
    (tmp_path / "azure").mkdir()
    assert "rename it" in refusal(tmp_path, HUB)


def test_an_import_error_names_the_line_and_keeps_the_trace(tmp_path: Path) -> None:
    with pytest.raises(AppImportError) as raised:
        index_source(tmp_path, "import os\n\nNAME = os.environ['NOT_SET_ANYWHERE']\n")
    assert f"{tmp_path / 'function_app.py'}:3: KeyError" in str(raised.value)
    assert "never at import" in str(raised.value)
    assert isinstance(raised.value.__cause__, KeyError)


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(AppImportError, match=r"No module named 'not_installed'.*requirements\.txt"):
        index_source(tmp_path, "import not_installed\n")


def test_a_directory_without_an_app_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(IndexingError, match=r"no function_app\.py"):
        index(tmp_path)


def test_the_app_comes_last_on_the_path(tmp_path: Path) -> None:
    """GIVEN an app with a package named like an installed one, THEN the installed one is imported, as with func."""
    (tmp_path / "orjson.py").write_text("raise ImportError('the app came first')")
    assert index_source(tmp_path, "import orjson\n" + HUB) == []
