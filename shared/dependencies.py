"""Whether what the app depends on answers: the entry hub, the Cosmos DB container, the Data Lake's file systems."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from azure.core.exceptions import AzureError
from azure.eventhub.exceptions import EventHubError

from shared import clients
from shared.chain import DEAD_LETTERS_FILE_SYSTEM, EVENTS_FILE_SYSTEM
from shared.routing import ENTRY_HUB
from shared.settings import SettingsError

TIMEOUT = 5.0  # seconds, for each
FRESH = 5.0  # seconds that an answer counts


class Health:
    """Asks each dependency, and remembers the answers for `FRESH` seconds: the route is open to anyone."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}
        self._asked = -FRESH
        self._asking = asyncio.Lock()

    async def check(self) -> dict[str, str]:
        """What each dependency answers, asked all at the same time: a name maps to `ok` or to what is wrong."""
        async with self._asking:  # those that ask meanwhile wait for the same answers
            if time.monotonic() - self._asked >= FRESH:
                results = await asyncio.gather(*(_answer(ask) for ask in CHECKS.values()))
                self._answers = dict(zip(CHECKS, results, strict=True))
                self._asked = time.monotonic()
            return self._answers


async def _answer(ask: Callable[[], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(TIMEOUT):
            return await ask()
    except TimeoutError:
        return f"no answer within {TIMEOUT:.0f} s"
    except SettingsError as error:
        return str(error)
    except (AzureError, EventHubError, OSError, ValueError) as error:
        # The first line: the SDKs append the request, with its headers.
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


async def _event_hubs() -> str:
    async with clients.producer(ENTRY_HUB) as producer:
        await producer.get_eventhub_properties()
    return "ok"


async def _cosmos() -> str:
    await clients.documents().read()
    return "ok"


async def _data_lake() -> str:
    for name in (EVENTS_FILE_SYSTEM, DEAD_LETTERS_FILE_SYSTEM):
        if not await clients.blob_container(name).exists():
            return f"file system {name} does not exist"
    return "ok"


CHECKS: dict[str, Callable[[], Awaitable[str]]] = {
    "event_hubs": _event_hubs,
    "cosmos": _cosmos,
    "data_lake": _data_lake,
}

HEALTH = Health()
