"""`python -m local`: Azure on a laptop."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local import demo, interruption
from local.azurite import AzuriteUnavailable
from local.ports import Ports
from local.stack import APP, JOB_DIR, ROOT, Stack, StackError, settings
from local.stream_analytics import files as asa

_EXAMPLES = """\
examples:
  python -m local up                       everything, on the documented ports, its state in .local/
  python -m local up --no-app              the services alone; run the app with `func start`
  python -m local up --port-offset 100     a second stack, beside the first (with its own --data-dir)
  python -m local demo                     the main job, whole, in half a minute
  eval "$(python -m local env)"            the connection settings, for tools and your own scripts
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="Event Hubs, Cosmos DB, Data Lake, a Functions host and a Stream Analytics job on this machine, "
        "without an Azure account.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--port-offset", type=int, default=0, metavar="N", help="add N to every port (default: 0)")

    up = commands.add_parser("up", parents=[shared], help="start everything and stay until Ctrl-C")
    up.add_argument("--data-dir", type=Path, default=Path(".local"), help="state and logs (default: .local)")
    app = up.add_mutually_exclusive_group()
    app.add_argument("--app", type=Path, default=ROOT, metavar="DIR", help="the function app (default: this one)")
    app.add_argument("--no-app", action="store_true", help="the services alone, without the function app")
    up.add_argument(
        "--kafka-create-topics", action="store_true", help="let Kafka clients create topics, as Kafka Streams does"
    )
    up.set_defaults(run=_up)

    demo_parser = commands.add_parser("demo", help="run the main job whole, on free ports, and count every event")
    demo.add_arguments(demo_parser)

    asa_parser = commands.add_parser(
        "asa",
        help="run a Stream Analytics query over files",
        epilog=asa.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    asa.add_arguments(asa_parser)

    env = commands.add_parser("env", parents=[shared], help="print the connection settings of a stack")
    env.add_argument("--format", choices=["shell", "json", "dotenv"], default="shell", help="(default: shell)")
    env.set_defaults(run=_env)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the process's exit status."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        arguments.ports = Ports.at_offset(getattr(arguments, "port_offset", 0))
    except ValueError as error:
        parser.error(str(error))
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:  # a second Ctrl-C: leave at once; children end with our pipes
        return 130
    except BrokenPipeError:  # who read has seen enough (`| head`); Python would complain again when it flushes at exit
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _up(arguments: argparse.Namespace) -> int:
    """0 after Ctrl-C, SIGTERM or SIGHUP, which is how it is meant to end; 1 when something could not start or died."""
    console = Console()
    interruption.as_ctrl_c()
    app = None if arguments.no_app else arguments.app
    if app and not (app / "function_app.py").is_file():
        return _fail(f"{app} has no function_app.py: give the app's directory with --app, or run with --no-app")
    stack = Stack(
        data_dir=arguments.data_dir, ports=arguments.ports, app=app, job=JOB_DIR,
        kafka_create_topics=arguments.kafka_create_topics,
    )  # fmt: skip
    started = time.monotonic()
    try:
        with console.status("starting"):
            stack.start()
    except KeyboardInterrupt:
        return 0
    except (StackError, AzuriteUnavailable) as error:
        return _fail(str(error))
    try:
        console.print(_addresses(stack))
        console.print(
            f"Up in {time.monotonic() - started:.1f} s. Logs: {stack.logs_dir}. Ctrl-C stops it all.", soft_wrap=True
        )
        while True:
            stack.check()
            time.sleep(0.2)
    except KeyboardInterrupt:
        console.print("Stopping (the function app first)." if app else "Stopping.")
        return 0
    except StackError as error:
        return _fail(str(error))
    finally:
        stack.stop()


def _env(arguments: argparse.Namespace) -> int:
    found = settings(arguments.ports)
    match arguments.format:
        case "json":
            print(json.dumps(found, indent=2))
        case "dotenv":
            print("\n".join(f'{name}="{value}"' for name, value in found.items()))
        case _:
            print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in found.items()))
    return 0


def _addresses(stack: Stack) -> Table:
    ports = stack.ports
    table = Table("service", "address", "setting")
    table.add_row("Event Hubs (AMQP)", f"localhost:{ports.event_hubs}", "EventHubs")
    table.add_row("Event Hubs (Kafka)", f"localhost:{ports.kafka}", "EventHubs__kafkaBootstrapServers")
    table.add_row("Cosmos DB", f"localhost:{ports.cosmos}", "Cosmos")
    table.add_row("Data Lake (DFS, blob)", f"127.0.0.1:{ports.data_lake}", "DataLake")
    for service, port in (("blob", ports.blob), ("queue", ports.queue), ("table", ports.table)):
        table.add_row(f"Azurite ({service})", f"127.0.0.1:{port}", "AzureWebJobsStorage")
    if APP in stack.children:
        table.add_row("function app", f"localhost:{ports.functions}", "")
    table.add_row("Stream Analytics job", "no port", "")
    return table


def _fail(message: str) -> int:
    Console(stderr=True).print(f"[red]local:[/red] {escape(message)}", soft_wrap=True, highlight=False)
    return 1


if __name__ == "__main__":
    sys.exit(main())
