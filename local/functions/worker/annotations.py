"""What the worker accepts as a parameter's or a result's type annotation.

The rules are those of the worker's `functions.py` and `bindings/meta.py`; the converters that it asks are the
library's own, so what a binding takes is not restated here.
"""

from __future__ import annotations

import collections.abc
import typing

from azure.functions import meta

GENERIC = "generic"
"""The converter of str, bytes and of bindings that the library does not know."""

# typing.List[X] and list[X] are of different classes, and the worker knows only the first (python-worker#1034).
_TYPING_ALIAS: typing.Any = type(typing.List[int])  # noqa: UP006
_SPECIAL_ALIAS: typing.Any = type(typing.List)  # noqa: UP006
_NOT_GENERIC = (typing.Union, tuple, typing.ClassVar, collections.abc.Callable)


def converter(binding: str) -> typing.Any:
    """The library's converter of a binding type; None for those that it leaves to the worker's generic one."""
    return meta.get_binding_registry().get(binding)


def has_implicit_output(binding: str) -> bool:
    """Whether a function with this binding may return a value without a `$return` binding."""
    found = converter(binding)
    if found is None:
        return binding != "durableClient"
    return bool(getattr(found, "has_implicit_output", lambda: False)())


def is_out(annotation: object) -> bool:
    """Whether an annotation is `func.Out`, with or without its argument."""
    origin = annotation.__origin__ if isinstance(annotation, _TYPING_ALIAS) else annotation
    return isinstance(origin, type) and origin.__name__ == "Out"


def check_input(binding: str, data_type: int, annotation: object) -> str:
    """Check the annotation of an input; returns the name of the converter that will decode it.

    Raises:
        ValueError: the worker would refuse it.
    """
    python_type = _checked(annotation)
    kind = GENERIC if python_type in (str, bytes) and not has_implicit_output(binding) else binding
    found = converter(kind)
    if found is None:
        accepted = isinstance(python_type, type) and issubclass(python_type, (str, bytes))
    else:
        accepted = _accepts(found.check_input_type_annotation, python_type)
    if not accepted:
        raise ValueError(
            f"{_shown(annotation)} does not fit the {binding} binding"
            f"{f' with data_type {data_type}' if data_type else ''}; {_advice(binding)}"
        )
    return kind


def check_return(binding: str, annotation: object) -> None:
    """Check the annotation of a `$return` value.

    Raises:
        ValueError: the worker would refuse it.
    """
    if is_out(annotation):
        raise ValueError("the return annotation must not be func.Out: annotate the value itself")
    if not isinstance(annotation, type):
        raise ValueError(f"the return annotation {_shown(annotation)} is not a type; {_advice(binding)}")
    found = converter(binding)
    allowed = (str, bytes, bytearray)
    if not (found.check_output_type_annotation(annotation) if found else issubclass(annotation, allowed)):
        raise ValueError(f"the return annotation {_shown(annotation)} does not fit {binding}; {_advice(binding)}")


def check_out(binding: str, annotation: object) -> None:
    """Check the annotation of an output binding: `func.Out[...]`.

    Raises:
        ValueError: the worker would refuse it.
    """
    if not is_out(annotation):
        raise ValueError(f"is an output binding annotated {_shown(annotation)}; write func.Out[str]")
    arguments = typing.get_args(annotation)
    if len(arguments) != 1:
        raise ValueError(f"has the annotation {_shown(annotation)}; write func.Out[str]")
    python_type = _checked(arguments[0])
    kind = GENERIC if python_type in (str, bytes) and not has_implicit_output(binding) else binding
    found = converter(kind)
    if found and not _accepts(found.check_output_type_annotation, python_type):
        raise ValueError(f"{_shown(annotation)} does not fit the {binding} binding; write func.Out[str]")


def _checked(annotation: object) -> object:
    if isinstance(annotation, type) or _is_generic(annotation):
        return annotation
    if isinstance(annotation, type(list[int])):
        origin = typing.get_origin(annotation).__name__  # type: ignore[union-attr]
        raise ValueError(
            f"{_shown(annotation)} is not a type to the worker (azure-functions-python-worker#1034); write "
            f"typing.{origin.capitalize()}[...] (in ruff, ignore UP006 there)"
        )
    raise ValueError(f"{_shown(annotation)} is not a type to the worker; write one type, without | or Optional")


def _is_generic(annotation: object) -> bool:
    if isinstance(annotation, (_TYPING_ALIAS, _SPECIAL_ALIAS)):
        return annotation.__origin__ not in _NOT_GENERIC
    return False


def _accepts(check: typing.Callable[[typing.Any], bool], annotation: object) -> bool:
    try:
        return bool(check(annotation))
    except TypeError:  # issubclass() of a typing alias: the worker fails to index with that very error
        return False


def _shown(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _advice(binding: str) -> str:
    return {
        "eventHubTrigger": "write typing.List[func.EventHubEvent] for cardinality many, func.EventHubEvent for one",
        "httpTrigger": "write func.HttpRequest",
        "timerTrigger": "write func.TimerRequest",
        "http": "write func.HttpResponse or str",
    }.get(binding, "see the binding's reference for its Python types")
