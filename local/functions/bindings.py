"""What the host knows of a function: its name, its retry policy, its trigger (an Event Hub, a timer, an HTTP route).

The worker declares each as JSON, read from the decorators; both processes parse the same declaration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from local.functions import retry
from local.functions.routes import Route
from local.functions.schedule import parse_schedule

UNDEFINED, STRING, BINARY, STREAM = 0, 1, 2, 3
"""azure.functions.DataType, as function.json's numbers."""

_HTTP_METHODS = ("GET", "POST", "DELETE", "HEAD", "PATCH", "PUT", "OPTIONS")


@dataclass(frozen=True)
class EventHubTrigger:
    """`event_hub_message_trigger`; names may hold `%SETTING%` until the trigger starts."""

    parameter: str
    hub: str
    consumer_group: str
    connection: str
    data_type: int
    many: bool


@dataclass(frozen=True)
class TimerTrigger:
    """`timer_trigger`; the schedule may be `%SETTING%` until the trigger starts."""

    parameter: str
    schedule: str
    run_on_startup: bool


@dataclass(frozen=True)
class HttpTrigger:
    """`route`; without methods it takes all of them."""

    parameter: str
    route: Route
    methods: frozenset[str]


Trigger = EventHubTrigger | TimerTrigger | HttpTrigger


@dataclass(frozen=True)
class Function:
    """A function as the host runs it."""

    name: str
    trigger: Trigger
    retry: retry.RetryPolicy | None = None

    @classmethod
    def parse(cls, declared: Mapping[str, Any]) -> Self:
        """Read `{"name": ..., "trigger": what its function.json would hold, "retry": settings or null}`.

        Raises:
            ValueError: a value that the real host refuses, or a kind of trigger that this one does not run.
        """
        name, settings = declared["name"], declared["retry"]
        return cls(name, parse_trigger(declared["trigger"], name), retry.parse(settings) if settings else None)


def parse_trigger(declared: Mapping[str, Any], function: str) -> Trigger:
    """The trigger of a function, from the dictionary that its function.json would hold.

    Raises:
        ValueError: a value that the real host refuses, or a kind of trigger that this one does not run.
    """
    kind, parameter = str(declared["type"]), str(declared["name"])
    if kind == "eventHubTrigger":
        return _event_hub(declared, parameter)
    if kind == "timerTrigger":
        schedule = _text(declared, "schedule")
        if "%" not in schedule:
            parse_schedule(schedule)
        return TimerTrigger(parameter, schedule, bool(declared.get("runOnStartup")))
    if kind == "httpTrigger":
        route = declared.get("route")
        return HttpTrigger(parameter, Route.parse(function if route is None else str(route)), _methods(declared))
    raise ValueError(
        f"the local host does not run {kind} bindings (eventHubTrigger, timerTrigger and httpTrigger are what it runs)"
    )


def _event_hub(declared: Mapping[str, Any], parameter: str) -> EventHubTrigger:
    data_type = int(declared.get("dataType") or UNDEFINED)
    if data_type == STREAM:
        raise ValueError("data_type STREAM: write data_type=func.DataType.BINARY")
    return EventHubTrigger(
        parameter=parameter,
        hub=_text(declared, "eventHubName"),
        consumer_group=str(declared.get("consumerGroup") or "$Default"),
        connection=_text(declared, "connection"),
        data_type=data_type,
        many=declared.get("cardinality") == "many",
    )


def _text(declared: Mapping[str, Any], key: str) -> str:
    value = declared.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} must be a name, is {value!r}")
    return value


def _methods(declared: Mapping[str, Any]) -> frozenset[str]:
    chosen: Sequence[Any] | None = declared.get("methods")
    if not chosen:
        return frozenset(_HTTP_METHODS)
    return frozenset(str(method).upper() for method in chosen)
