"""Log lines in the host's form, and host.json's levels."""

from __future__ import annotations

import logging

from local.functions.logs import HostFormatter, LevelFilter, function_logger, host_logger, running_function


def line(logger: logging.Logger, level: int, message: str, *arguments: object) -> str:
    record = logger.makeRecord(logger.name, level, __file__, 1, message, arguments, None)
    record.created = 1795338000.1239
    return HostFormatter().format(record)


def test_an_apps_message_is_verbatim_after_its_category() -> None:
    token = running_function.set("split")
    try:
        text = line(logging.getLogger("shared.stages"), logging.INFO, '{"in": %d}', 3)
    finally:
        running_function.reset(token)
    assert text == '2026-11-22T09:00:00.123Z [Information] Function.split.User: {"in": 3}'


def test_the_hosts_own_lines_have_their_own_categories_even_inside_a_function() -> None:
    token = running_function.set("split")
    try:
        assert "[Error] Function.split: x" in line(function_logger("split"), logging.ERROR, "x")
        assert "[Warning] Host.General: x" in line(host_logger("General"), logging.WARNING, "x")
    finally:
        running_function.reset(token)
    assert "[Information] Worker.library: x" in line(logging.getLogger("library"), logging.INFO, "x")


def test_the_longest_category_decides() -> None:
    levels = LevelFilter({"default": 30, "Function": 40, "Function.split": 10})

    def passes(name: str, level: int) -> bool:
        logger = function_logger(name)
        return bool(levels.filter(logger.makeRecord(logger.name, level, __file__, 1, "", (), None)))

    assert passes("split", logging.DEBUG)
    assert not passes("other", logging.WARNING)
    assert passes("other", logging.ERROR)
    logger = host_logger("General")
    assert not levels.filter(logger.makeRecord(logger.name, logging.INFO, __file__, 1, "", (), None))
