"""Indexing an app by the rules of the real worker, so that what breaks a deployment breaks here first.

`index` is what the worker calls at its start, and what a test of an app can call: it imports `function_app.py` and
returns its functions, or raises with every finding at once: the function, what is wrong, and what to write instead.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from local.functions.bindings import EventHubTrigger, Function, HttpTrigger, Trigger
from local.functions.errors import IndexingError
from local.functions.retry import RetryPolicy
from local.functions.worker.annotations import check_input, check_out, check_return, has_implicit_output
from local.functions.worker.loading import app_on_path, find_functions, import_app

RETURN = "$return"
_IN, _OUT = 0, 1
_HTTP = "http"


@dataclass(frozen=True)
class IndexedFunction:
    """A function as the worker runs it."""

    declared: Mapping[str, Any]
    """What the host is told of it (`Function.parse` reads it)."""
    function: Function
    call: Callable[..., Any]
    directory: str
    is_async: bool
    requires_context: bool
    has_return: bool
    converter: str
    """The binding whose converter decodes the trigger's data; `generic` for str and bytes."""

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def trigger(self) -> Trigger:
        return self.function.trigger

    @property
    def retry(self) -> RetryPolicy | None:
        return self.function.retry


def index(app_dir: Path) -> list[IndexedFunction]:
    """Import the app in `app_dir` and index it.

    Raises:
        AppImportError: `function_app.py` raised when it was imported.
        IndexingError: the real worker would refuse the app, or this host does not run one of its bindings.
    """
    directory = app_dir.resolve()
    with app_on_path(directory):
        functions = find_functions(import_app(directory))
        indexed: list[IndexedFunction] = []
        problems: list[str] = []
        for function in functions:
            try:
                indexed.append(_index_function(function))
            except ValueError as error:
                problems.append(f"function {function.get_function_name()}: {error}")
    problems.extend(_same_routes(indexed))
    if problems:
        raise IndexingError(problems)
    return indexed


def _index_function(function: Any) -> IndexedFunction:
    call = function.get_user_function()
    parameters = dict(inspect.signature(call).parameters)
    annotations = _annotations(call)
    bindings = function.get_bindings()
    trigger = function.get_trigger()
    bound = {binding.name: binding for binding in bindings if binding.name != RETURN}
    _check_directions(bindings)
    requires_context = _takes_context(parameters, bound, annotations)
    _check_names(parameters, bound)
    converter = _check_parameters(bound, annotations, trigger.name)
    explicit = [binding.type for binding in bindings if binding.name == RETURN]
    implicit = any(has_implicit_output(binding.type) for binding in bound.values())
    if explicit and "return" in annotations:
        check_return(explicit[0], annotations["return"])
    _check_runs_here(bindings)
    declared = _declared(function)
    parsed = Function.parse(declared)
    _check_cardinality(parsed.trigger, annotations)
    return IndexedFunction(
        declared=declared,
        function=parsed,
        call=call,
        directory=str(Path(inspect.getfile(call)).parent),
        is_async=inspect.iscoroutinefunction(call),
        requires_context=requires_context,
        has_return=bool(explicit) or implicit,
        converter=converter,
    )


def _declared(function: Any) -> dict[str, Any]:
    declared = {
        "name": function.get_function_name(),
        "trigger": function.get_trigger().get_dict_repr(),
        "retry": function.get_settings_dict("retry_policy"),
    }
    # The library's enumerations become the values that function.json has.
    plain: dict[str, Any] = orjson.loads(orjson.dumps(declared, default=str))
    return plain


def _annotations(call: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(call)
    except NameError as error:
        raise ValueError(
            f"an annotation cannot be evaluated ({error}); import the name outside of `if TYPE_CHECKING:`"
        ) from error
    except TypeError as error:
        raise ValueError(f"an annotation cannot be evaluated ({error})") from error


def _check_directions(bindings: list[Any]) -> None:
    for binding in bindings:
        if binding.direction not in (_IN, _OUT):
            raise ValueError(
                f'binding {binding.name}: "inout" bindings are not supported; declare an input and an output'
            )
        if binding.name == RETURN and binding.direction != _OUT:
            raise ValueError('the "$return" binding must have the direction "out"')


def _takes_context(parameters: dict[str, Any], bound: dict[str, Any], annotations: dict[str, Any]) -> bool:
    if "context" not in parameters or "context" in bound:
        return False
    del parameters["context"]
    annotation = annotations.get("context")
    if annotation is not None and getattr(annotation, "__name__", "") != "Context":
        raise ValueError(f'the "context" parameter is annotated {annotation!r}; write func.Context')
    return True


def _check_names(parameters: dict[str, Any], bound: dict[str, Any]) -> None:
    if missing := sorted(set(parameters) - set(bound)):
        raise ValueError(
            f"the parameters {', '.join(missing)} are in the signature and in no decorator; name them in a decorator "
            "(arg_name), or take them out"
        )
    if extra := sorted(set(bound) - set(parameters)):
        raise ValueError(
            f"the decorators bind {', '.join(extra)}, which the signature does not have; add a parameter of that name"
        )


def _check_parameters(bound: dict[str, Any], annotations: dict[str, Any], trigger: str) -> str:
    """Check every annotation; returns the converter of the trigger's parameter."""
    converter = ""
    for name, binding in bound.items():
        kind = binding.type
        try:
            if name in annotations and binding.direction == _OUT:
                check_out(binding.type, annotations[name])
            elif name in annotations:
                kind = check_input(binding.type, binding.data_type or 0, annotations[name])
        except ValueError as error:
            raise ValueError(f"parameter {name}: {error}") from error
        if name == trigger:
            converter = kind
    return converter


def _check_runs_here(bindings: list[Any]) -> None:
    for binding in bindings:
        if binding.direction == _OUT and not (binding.name == RETURN and binding.type == _HTTP):
            raise ValueError(
                f"the local host does not run {binding.type} output bindings (binding {binding.name}); send with the "
                "service's SDK, which can also set what a binding cannot (an event's key, its properties)"
            )
    inputs = [binding for binding in bindings if binding.direction == _IN]
    if len(inputs) > 1:
        extra = next(binding for binding in inputs if not binding.type.lower().endswith("trigger"))
        raise ValueError(f"the local host does not run {extra.type} bindings (binding {extra.name}); use the SDK")


def _check_cardinality(trigger: Trigger, annotations: dict[str, Any]) -> None:
    """A list for cardinality one, or the reverse, indexes and then fails on the first event: say it now."""
    if not isinstance(trigger, EventHubTrigger) or trigger.parameter not in annotations:
        return
    annotation = annotations[trigger.parameter]
    if typing.get_origin(annotation) is not None and not trigger.many:
        raise ValueError(
            f"parameter {trigger.parameter}: a list with cardinality one; write cardinality=func.Cardinality.MANY"
        )
    if typing.get_origin(annotation) is None and trigger.many:
        raise ValueError(
            f"parameter {trigger.parameter}: {annotation.__name__} with cardinality many; write "
            "typing.List[func.EventHubEvent]"
        )


def _same_routes(functions: list[IndexedFunction]) -> list[str]:
    problems: list[str] = []
    seen: dict[tuple[str, str], str] = {}
    for function in functions:
        if isinstance(function.trigger, HttpTrigger):
            for method in sorted(function.trigger.methods):
                key = (function.trigger.route.template.lower(), method)
                other = seen.setdefault(key, function.name)
                if other != function.name:
                    problems.append(f"function {function.name}: {method} {key[0]} is already the route of {other}")
                    break
    return problems
