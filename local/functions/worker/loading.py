"""Importing the app by its directory, the way the worker does, and finding the FunctionApp in it."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from azure.functions import FunctionRegister

from local.functions.errors import AppImportError, IndexingError

MODULE = "function_app"


HOST_ROOT = Path(__file__).resolve().parents[3]
"""Where this host's own code stands; `python -m` puts it first on sys.path."""


def app_path(directory: Path) -> list[str]:
    """sys.path as `func start` has it: `directory` after everything installed, and this host's code behind both.

    Azure puts the app first. So an app whose package bears the name of an installed one imports differently in the two
    places, and here is where it shows.
    """
    ours = (directory, HOST_ROOT)
    installed = [entry for entry in sys.path if Path(entry or ".").resolve() not in ours]
    return [*installed, *dict.fromkeys(map(str, ours))]


@contextmanager
def app_on_path(directory: Path) -> Iterator[None]:
    """Have `app_path` as sys.path; put back what was at the end."""
    before = list(sys.path)
    sys.path[:] = app_path(directory)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before


def import_app(directory: Path) -> ModuleType:
    """Import `function_app.py` of `directory`, which must be on sys.path.

    Raises:
        IndexingError: there is no such file, or a folder that breaks the worker stands beside it.
        AppImportError: the import raised; the message has the innermost line of the app, the cause the whole trace.
    """
    script = directory / f"{MODULE}.py"
    if not script.is_file():
        raise IndexingError([f"{directory}: there is no {MODULE}.py; --app takes the directory that has it"])
    if (directory / "azure").is_dir():
        raise IndexingError([
            f"{directory / 'azure'}: a folder named azure hides the SDK's packages from the worker; rename it"
        ])  # fmt: skip
    sys.modules.pop(MODULE, None)  # another app's, of the same process
    try:
        module = importlib.import_module(MODULE)
    except BaseException as error:  # the app may raise anything, SystemExit too: the worker reports each the same way
        if isinstance(error, KeyboardInterrupt):
            raise
        raise AppImportError(f"importing {script} failed{_innermost(error, directory)}: {_describe(error)}") from error
    if Path(module.__file__ or "").resolve() != script:
        raise AppImportError(
            f"{MODULE} was imported from {module.__file__}, not from {directory}: an installed package has that name"
        )
    return module


def find_functions(module: ModuleType) -> list[Any]:
    """The functions of the one FunctionApp at the top level of `module`, in the order they were registered.

    Raises:
        IndexingError: none or several, or the library refuses to build them.
    """
    found = [
        (name, value) for name, value in vars(module).items() if isinstance(value, FunctionRegister)
    ]  # fmt: skip
    if not found:
        raise IndexingError([
            f"{module.__file__}: no FunctionApp at the top level; write app = func.FunctionApp()"
        ])  # fmt: skip
    if len(found) > 1:
        names = ", ".join(name for name, _ in found)
        kind = "two names for one FunctionApp" if found[0][1] is found[1][1] else "more than one FunctionApp"
        raise IndexingError([
            f"{module.__file__}: {kind} ({names}); keep one name, and make the others blueprints (func.Blueprint)"
        ])  # fmt: skip
    try:
        # Once only: a second call takes the app's own functions for duplicates.
        return list(found[0][1].get_functions())
    except ValueError as error:
        raise IndexingError([f"{module.__file__}: {error}"]) from error


def _innermost(error: BaseException, directory: Path) -> str:
    """The last line of the app that the import reached: below it are libraries, above it the import system."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(directory) and "site-packages" not in frame.filename
    ]
    return f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _describe(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{error}; is it in requirements.txt, and installed?"
    if isinstance(error, KeyError):
        return f"KeyError: {error}; read settings when a function runs, never at import: it takes every function down"
    return f"{type(error).__name__}: {error}"
