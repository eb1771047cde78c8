"""The worker as the host sees it: there is one to call, whichever process it is at the moment.

When the process ends, what it ran is lost and not failed: the callers are told so, another process is started, and they
call again. A worker that ends again and again takes the host with it, as in Azure.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from itertools import count

from local.functions.bindings import Function
from local.functions.channel import Channel, ChannelClosed
from local.functions.errors import FunctionTimeoutError, HostError, WorkerError, WorkerLostError
from local.functions.logs import host_logger
from local.functions.messages import Answer, Invocation
from local.functions.worker_process import WorkerOptions, WorkerProcess

ENDS = 5
"""Ends in a row, each within `STEADY` of its start, after which the host gives up."""

STEADY = 60.0
"""Seconds after which a worker counts as one that works."""

BACKOFF = 0.25
"""Seconds before the second start in a row; each further one waits twice as long. The first is at once."""

GRACE = 2.0
"""Seconds past its timeout that a function has to end by being cancelled, before its worker is killed."""


class Worker:
    """Calls functions in the worker process, and keeps one running.

    Args:
        process: the first one, with the app loaded.
        functions: of the app.
        options: for those that replace it.
        given_up: called once there will be no worker any more; `failure` then says why.
    """

    def __init__(
        self, process: WorkerProcess, functions: Sequence[Function], options: WorkerOptions,
        given_up: Callable[[], None],
    ) -> None:  # fmt: skip
        self._process, self._functions, self._options, self._given_up = process, list(functions), options, given_up
        self._log = host_logger("Worker")
        self._channel: Channel | None = None
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._running: dict[int, str] = {}
        self._numbers = count(1)
        self._overdue = False
        self._closing, self._decided = asyncio.Event(), asyncio.Event()
        self._supervising: asyncio.Task[None] | None = None
        self.failure: HostError | None = None

    def start(self) -> None:
        """Begin to supervise; calls wait until there is a connection."""
        self._supervising = asyncio.create_task(self._supervise())

    async def call(self, invocation: Invocation) -> Answer:
        """Run a function.

        Raises:
            WorkerLostError: the process ended, and with it the call.
            FunctionTimeoutError: it took too long and could not be cancelled; its worker was killed.
        """
        await self._decided.wait()
        if self._channel is None:
            raise WorkerLostError("the worker is gone, and no other one is started")
        number, timeout = next(self._numbers), self._options.timeout
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[number], self._running[number] = answer, invocation.function
        process = self._process
        try:
            async with asyncio.timeout(None if timeout is None else timeout + GRACE):
                # Should the process be gone already, who reads its answers fails this one, and knows how it ended.
                with contextlib.suppress(ChannelClosed):
                    await self._channel.send(*invocation.frame(number))
                return await answer
        except TimeoutError:
            self._overdue = True
            process.kill()
            raise FunctionTimeoutError(timeout or 0, invocation.function, invocation.id) from None
        finally:
            del self._answers[number], self._running[number]

    @property
    def closing(self) -> bool:
        """Whether there will be no other worker when this one ends."""
        return self._closing.is_set()

    def abandon(self) -> None:
        """From here on a worker that ends is not replaced, and calls that wait for one are lost: the host stops."""
        self._closing.set()
        self._decided.set()

    async def stop(self, seconds: float) -> bool:
        """Ask the process to end, and kill it after `seconds`. Returns whether it ended by itself."""
        self.abandon()
        if self._supervising is None or self._channel is None:
            self._process.kill()
        else:
            with contextlib.suppress(ChannelClosed):
                await self._channel.send({"stop": True})
        if self._supervising is None:
            await asyncio.to_thread(self._process.ended)
            return True
        _, late = await asyncio.wait((self._supervising,), timeout=seconds)
        if late:
            self._log.warning("The worker (pid %d) did not end in time, and is killed.", self._process.pid)
            self._process.kill()
            await self._supervising
        return not late

    async def _supervise(self) -> None:
        ends, began = 0, time.monotonic()
        how: str | None = None
        try:
            while True:
                if how is None:
                    how = await self._converse()
                if self.closing:
                    return
                quick = time.monotonic() - began < STEADY and not self._overdue
                ends, self._overdue = ends + 1 if quick else 1, False
                if ends == ENDS:
                    raise WorkerError(
                        f"the worker ended {ENDS} times in a row, each within {STEADY:.0f} s of its start, the last "
                        f"time {how}; its last lines in the log may say why"
                    )
                if ends > 1:
                    await self._pause(BACKOFF * 2 ** (ends - 2))
                began = time.monotonic()
                how = await self._replace()
        except Exception as error:
            # Of ours or not: without this task calls would wait for ever.
            self.failure = error if isinstance(error, HostError) else WorkerError(f"no other worker: {error!r}")
            self.abandon()
            self._given_up()

    async def _converse(self) -> str:
        """Take answers until the process ends; says how it did. Calls without an answer are lost."""
        channel = self._channel = await Channel.open(self._process.connected)
        self._decided.set()
        with contextlib.suppress(ChannelClosed):
            while True:
                frame = await channel.receive()
                answer = self._answers.get(frame.header["answer"])
                if answer is not None and not answer.done():
                    answer.set_result(Answer.of(frame))
        self._channel = None
        await channel.abort()
        if not self.closing:
            self._decided.clear()
        # One that closed the channel and lives on is of no use; one that was told to stop has its time.
        how = await asyncio.to_thread(self._process.ended, None if self.closing else 1.0)
        if not self.closing or self._answers:
            names = ", ".join(sorted(set(self._running.values()))) or "no function"
            how = f"{how}, while it ran {names}"
            self._log.error("The worker (pid %d) ended: %s", self._process.pid, how)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(WorkerLostError(f"the worker (pid {self._process.pid}) ended: {how}"))
        return how

    async def _replace(self) -> str | None:
        """Start another process; how it ended, if it did before it had loaded the app."""
        if self.closing:
            return "not started"
        self._process = WorkerProcess(self._options)
        try:
            functions = await asyncio.to_thread(self._process.load)
        except WorkerError as error:
            self._log.error("%s", error)
            return str(error)
        if functions != self._functions:
            self._process.kill()
            raise WorkerError("the app's functions are not those that the host started with: start the host again")
        self._log.info("Another worker (pid %d) runs.", self._process.pid)
        return None

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
