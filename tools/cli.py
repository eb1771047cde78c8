"""The command line: which commands there are, and what their failures become."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Sequence

from tools.capture import command as capture
from tools.dead_letters import command as dead_letters
from tools.errors import EXIT_INTERRUPTED, EXIT_OK, exit_code, explain
from tools.progress import note
from tools.query import command as query
from tools.receive import command as receive
from tools.send import command as send
from tools.topology import command as topology

DESCRIPTION = """The client side of Headrace: the same commands against Azure and against a laptop.

Settings come from the environment, then from local.settings.json in this directory:
  EventHubs  or  EventHubs__fullyQualifiedNamespace      the namespace (send, receive, topology, dead-letters replay)
  Cosmos     or  Cosmos__accountEndpoint                 the account (query)
  DataLake   or  DataLake__serviceUri                    the account (dead-letters)
  AzureWebJobsStorage  or  ...__blobServiceUri           the account (topology, capture)
Each is a connection string, or an address to reach with your identity (`az login`). The producers' settings
AZURE_STREAMPOC_EVENTHUB_CONN_STRING, _NAMESPACE and _HUBNAME work too. `python -m local env` prints a laptop's.
"""

EPILOG = """exit status: 0 done; 1 a service failed or refused; 2 the arguments or settings are wrong; 130 Ctrl-C

`python -m tools COMMAND --help` shows each command with examples.
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line; each command sets `run`, which takes the parsed options and returns the exit status."""
    top = argparse.ArgumentParser(
        prog="python -m tools", description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for command in (send, receive, query, topology, capture, dead_letters):
        command.add_parser(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. A failure that the user can mend is one line, not a traceback."""
    options = parser().parse_args(arguments)
    # The SDKs log each retry; what they end with is explained below, once.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        note("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`); Python would complain again when it flushes at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        note(f"error: {line}")
        return exit_code(error)
