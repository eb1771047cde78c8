"""HTTP routes, timers, and what the host says when it cannot start."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import pytest

from local.children import ChildFailed
from tests.integration.azurite_service import Azurite
from tests.integration.functions_service import AppFactory, AppHost, app, azurite
from tests.waiting import PATIENCE, wait_until

__all__ = ["app", "azurite"]

ROUTES = """
@app.route(route="orders/{id:int}/{view?}", methods=["GET"])
def order(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logging.info(json.dumps({"id": req.route_params["id"]}))
    body = {"route": dict(req.route_params), "query": dict(req.params), "method": req.method, "url": req.url,
            "header": req.headers.get("X-Thing"), "trace": context.trace_context.trace_parent}
    response = func.HttpResponse(json.dumps(body), status_code=201, mimetype="application/json",
                                 headers={"X-Answer": "yes"})
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2")
    return response

@app.route(route="orders/latest", methods=["GET"])
def latest(req: func.HttpRequest) -> str:
    return "latest"

@app.route(route="echo", methods=["POST"])
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body())

@app.route(route="boom")
def boom(req: func.HttpRequest) -> str:
    raise RuntimeError("a secret")

@app.route(route="none")
def none(req: func.HttpRequest) -> str:
    return None
"""


@pytest.fixture(scope="module")
def host(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppHost]:
    """One host of `ROUTES` for all who ask it something."""
    factory = AppFactory(tmp_path_factory.mktemp("routes"), azurite)
    factory.write(ROUTES)
    try:
        yield factory.start()
    finally:
        factory.stop()


def request(
    host: AppHost, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    asked = urllib.request.Request(host.url + path, data=body, method=method, headers=headers or {})
    try:
        with closing(urllib.request.urlopen(asked, timeout=PATIENCE)) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_a_request_reaches_its_function_whole(host: AppHost) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    status, headers, body = request(
        host, "GET", "/api/orders/7/full?a=1&b=x%20y", headers={"x-thing": "42", "traceparent": trace}
    )
    assert status == 201
    assert json.loads(body) == {
        "route": {"id": "7", "view": "full"},
        "query": {"a": "1", "b": "x y"},
        "method": "GET",
        "url": f"{host.url}/api/orders/7/full?a=1&b=x%20y",
        "header": "42",
        "trace": trace,
    }
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Answer"] == "yes"
    assert headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2"]
    line = wait_until(
        lambda: next((line for line in host.log().splitlines() if "Function.order.User: " in line), None), "its log"
    )
    assert json.loads(line.partition("Function.order.User: ")[2]) == {"id": "7"}


def test_the_more_specific_route_wins_and_str_is_an_answer(host: AppHost) -> None:
    status, headers, body = request(host, "GET", "/api/orders/latest")
    assert (status, body, headers.get_content_type()) == (200, b"latest", "text/plain")


def test_bytes_go_through_unchanged(host: AppHost) -> None:
    payload = bytes(range(256)) * 1000
    assert request(host, "POST", "/api/echo", payload)[2] == payload


def test_a_compressed_body_goes_through_as_it_was_sent(host: AppHost) -> None:
    payload = gzip.compress(b"text")
    assert request(host, "POST", "/api/echo", payload, {"Content-Encoding": "gzip"})[2] == payload


@pytest.mark.parametrize(
    ("framing", "body"),
    [("Content-Length: 9", b"half"), ("Transfer-Encoding: chunked", b"4\r\nhalf\r\nno number\r\n")],
)
def test_a_body_that_is_not_whole_reaches_no_function(host: AppHost, framing: str, body: bytes) -> None:
    before = len(host.log())
    with socket.create_connection(("127.0.0.1", host.child.port), PATIENCE) as caller:
        caller.sendall(f"POST /api/echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n{framing}\r\n\r\n".encode())
        assert caller.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(body)
        caller.shutdown(socket.SHUT_WR)
        answer = caller.recv(65536)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert request(host, "POST", "/api/echo", b"the next one")[0] == 200
    log = wait_until(lambda: "Executed" in (new := host.log()[before:]) and new, "its log")
    assert log.count("Executing 'Functions.echo'") == 1
    assert "Traceback" not in log


def test_what_is_not_a_route_says_so(host: AppHost) -> None:
    assert request(host, "GET", "/api/nothing")[0] == 404
    assert request(host, "GET", "/api/orders/seven")[0] == 404
    status, headers, _ = request(host, "GET", "/api/echo")
    assert (status, headers["Allow"]) == (405, "POST")


def test_a_failure_is_a_500_that_names_the_invocation_and_no_more(host: AppHost) -> None:
    for path in ("/api/boom", "/api/none"):
        status, headers, body = request(host, "GET", path)
        assert status == 500
        assert headers["x-ms-invocation-id"] in body.decode()
        assert b"secret" not in body
        wait_until(lambda expected=f"(Failed, Id={headers['x-ms-invocation-id']}": expected in host.log(), "its log")


def test_a_body_past_the_limit_is_refused(host: AppHost) -> None:
    status, _, body = request(host, "POST", "/api/echo", bytes(100 * 1024 * 1024 + 1))
    assert (status, b"larger than" in body) == (413, True)


def test_the_status_endpoint_says_running(host: AppHost) -> None:
    status, _, body = request(host, "GET", "/admin/host/status")
    assert (status, json.loads(body)["state"]) == (200, "Running")


def test_a_route_prefix_of_host_json_is_honoured(app: AppFactory) -> None:
    app.write(ROUTES, host_json={"extensions": {"http": {"routePrefix": ""}}})
    assert request(app.start(), "GET", "/orders/latest")[0] == 200


def test_timers_fire_at_start_and_on_schedule(app: AppFactory) -> None:
    app.write("""
@app.timer_trigger(arg_name="timer", schedule="%EVERY%", run_on_startup=True)
def tick(timer: func.TimerRequest) -> None:
    record(past_due=timer.past_due, next=timer.schedule_status["Next"])

@app.timer_trigger(arg_name="timer", schedule="00:00:01")
async def tock(timer: func.TimerRequest) -> None:
    record(past_due="tock", next="")
""")
    app.start(settings={"EVERY": "* * * * * *"})
    wait_until(lambda: len(app.records()) >= 6, "both timers to fire twice more")
    ticks = [entry for entry in app.records() if entry["past_due"] != "tock"]
    assert not any(entry["past_due"] for entry in ticks)
    assert all(datetime.fromisoformat(entry["next"]).microsecond == 0 for entry in ticks)


def test_settings_of_the_file_are_below_the_environment(app: AppFactory) -> None:
    app.write('@app.route()\ndef see(req: func.HttpRequest) -> str:\n    return os.environ["X"] + os.environ["Y"]\n')
    (app.directory / "app" / "local.settings.json").write_text(
        json.dumps({"IsEncrypted": False, "Values": {"X": "file", "Y": "file"}})
    )
    assert request(app.start(settings={"Y": "environment"}), "GET", "/api/see")[2] == b"fileenvironment"


def test_an_app_without_functions_runs_and_says_why(app: AppFactory) -> None:
    app.write("")
    assert "is a blueprint not registered" in app.start().log()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('raise RuntimeError("at import")\n', "RuntimeError: at import"),
        ("@on_hub()\ndef stage(events: list[func.EventHubEvent]) -> None: ...\n", "function stage: parameter events"),
        ("@on_hub()\ndef stage(events: Events) -> None: ...\n", "EventHubs is not set"),
    ],
)
def test_what_cannot_start_is_one_clear_line_and_status_1(app: AppFactory, source: str, expected: str) -> None:
    app.write(source)
    host = app.start(settings={"HUB": "x", "EventHubs": ""}, ready=False)
    with pytest.raises(ChildFailed, match="ended with status 1"):
        host.wait_ready()
    last = host.log().splitlines()[-1]
    assert last.startswith("functions: ")
    assert expected in last


def test_a_taken_port_names_the_port_and_the_option(app: AppFactory) -> None:
    app.write("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        host = app.start(options=("--port", str(port)), ready=False)
        with pytest.raises(ChildFailed, match=f"port {port} is taken: .* --port"):
            host.wait_ready()


def test_a_storage_account_that_is_not_there_is_named(app: AppFactory) -> None:
    app.write("@on_hub()\ndef stage(events: Events) -> None: ...\n")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    app.storage = app.storage.replace(f":{app.blob_port}/", f":{port}/")
    host = app.start(settings={"HUB": "x", "EventHubs": "Endpoint=sb://localhost/;"}, ready=False)
    with pytest.raises(ChildFailed, match=r"AzureWebJobsStorage: .* is Azurite running there"):
        host.wait_ready()
