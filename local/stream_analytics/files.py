"""`python -m local asa`: run a query over files. The way to unit-test one.

A file is an input with one partition. Event time decides: an event arrives when it happened by TIMESTAMP BY, or at its
EventEnqueuedUtcTime, or else a tick after the one before it, so nothing is late and no policy applies. The end of the
files closes every window.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from local.sql.asa.errors import AsaError
from local.sql.asa.values import GREATEST_BIGINT, LEAST_BIGINT, TICKS_PER_DAY, DateTime, as_datetime, dump, field
from local.stream_analytics.job import Job, compile_job
from local.stream_analytics.watermark import Policies

IN_ANY_ORDER: Final = Policies(out_of_order=36_525 * TICKS_PER_DAY, late_arrival=36_525 * TICKS_PER_DAY)
_FILE_NAME: Final = re.compile(r"[^\W.][\w .-]*")

EXAMPLES: Final = """\
examples:
  python -m local asa query.asaql --input events=events.jsonl --out results
  python -m local asa query.asaql --input events=events.jsonl --reference cities=cities.json --out results
"""


class EventError(ValueError):
    """A line of a file that is no event."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("query", type=Path, metavar="QUERY.asaql", help="the query")
    for option, what in (
        ("--input", "a stream: JSON objects, one a line or in an array"),
        ("--reference", "reference data"),
    ):
        parser.add_argument(
            option, action="append", default=[], type=_pair, metavar="NAME=FILE", help=f"{what}; repeatable"
        )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where to write OUTPUT.jsonl for each output"
    )
    parser.set_defaults(run=run)


def _pair(text: str) -> tuple[str, Path]:
    name, separator, file = text.partition("=")
    if not name or not separator or not file:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE")
    return name, Path(file)


def _check_names(names: Sequence[str]) -> None:
    folded = [name.lower() for name in names]
    for name in names:
        if folded.count(name.lower()) > 1:
            raise EventError(f"two files are called {name}; an input is one file")


def run(arguments: argparse.Namespace) -> int:
    """0, or 1 with a line that says what is wrong."""
    try:
        text = arguments.query.read_text("utf-8-sig")
        _check_names([name for name, _ in (*arguments.input, *arguments.reference)])
        inputs = {name: read_events(file) for name, file in arguments.input}
        references = {name: read_events(file) for name, file in arguments.reference}
        job = compile_job(
            text, inputs=inputs.keys(), references=references, file=str(arguments.query), policies=IN_ANY_ORDER
        )
        written = write_outputs(arguments.out, evaluate(job, inputs))
    except (AsaError, EventError) as error:
        print(error, file=sys.stderr)
        return 1
    except UnicodeDecodeError as error:
        print(f"{arguments.query}: it is no UTF-8 text ({error.reason} at byte {error.start})", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or arguments.out}: {error.strerror}", file=sys.stderr)
        return 1
    for name, counts in job.counts.items():
        untimed = f", {counts['untimed']} of them dropped: they have no time" if counts["untimed"] else ""
        print(f"{name}: {len(inputs[name])} events{untimed}")
    for name, (file, count) in written.items():
        print(f"{name}: {count} rows in {file}")
    return 0


def evaluate(job: Job, inputs: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Run a job over events, by the name of their input; give the records of each output.

    Raises:
        EvaluationError: the query cannot be evaluated on an event.
    """
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in job.outputs}
    arrivals = [(arrival, name, event) for name in job.inputs for arrival, event in _arrivals(job, name, inputs[name])]
    arrivals.sort(key=lambda arrival: arrival[0])
    for arrival, name, event in arrivals:
        for output, record in job.push(name, 0, event, arrival):
            results[output].append(record)
    for output, record in job.finish():
        results[output].append(record)
    return results


def _arrivals(job: Job, name: str, events: Sequence[dict[str, Any]]) -> Iterator[tuple[DateTime, dict[str, Any]]]:
    last = DateTime(0)
    for event in events:
        time = job.event_time(name, event) or as_datetime(field(event, "EventEnqueuedUtcTime"))
        last = DateTime(last + 1) if time is None else time
        yield last, event


def read_events(file: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file: one a line, or all in an array.

    Raises:
        EventError: a line is no JSON object; the message says which.
        OSError: the file cannot be read.
    """
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EventError(f"{file}: it is no UTF-8 text ({error.reason} at byte {error.start})") from None
    if text.lstrip().startswith("["):
        return [_event(event, f"{file}, event {number}") for number, event in enumerate(_parse(text, str(file)), 1)]
    lines = ((f"{file}:{number}", line) for number, line in enumerate(text.split("\n"), 1))
    return [_event(_parse(line, at), at) for at, line in lines if line.strip()]


def _parse(text: str, at: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise EventError(f"{at}: no JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise EventError(f"{at}: {error}") from None


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _integer(text: str) -> int:
    value = int(text) if len(text) < 25 else GREATEST_BIGINT + 1
    if not LEAST_BIGINT <= value <= GREATEST_BIGINT:
        raise ValueError(f"{text[:25]} does not fit in a bigint")
    return value


def _event(event: Any, at: str) -> dict[str, Any]:
    if type(event) is not dict:
        raise EventError(f"{at}: an event is a JSON object")
    return event


def write_outputs(directory: Path, results: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, tuple[Path, int]]:
    """Write DIR/OUTPUT.jsonl for each output; give the file and its number of rows."""
    written: dict[str, tuple[Path, int]] = {}
    for name in results:
        if not _FILE_NAME.fullmatch(name):
            raise EventError(f"the output {name!r} cannot be the name of a file")
    directory.mkdir(parents=True, exist_ok=True)
    for name, records in results.items():
        file = directory / f"{name}.jsonl"
        file.write_text("".join(f"{dump(record)}\n" for record in records), "utf-8")
        written[name] = (file, len(records))
    return written
