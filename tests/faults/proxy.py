"""A TCP proxy in front of a server, that can behave as bad networks do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

#: Seconds that a slow network takes for each packet.
SLOWNESS = 0.5
#: Part of the one statement by which workers complete jobs; it commits without a COMMIT.
COMPLETION = b"SET status = 'completed'"


class Mode(StrEnum):
    """What the network does."""

    PASS = "pass"
    HOLE = "hole"  # swallow everything; connections stay up, new ones are accepted
    SLOW = "slow"  # half a second a packet
    HALF_CLOSED = "half_closed"  # the next reply is a goodbye; what we send goes on
    LOSE_ANSWER = "lose_answer"  # the next end of a job is written, and the line breaks


class Proxy:
    """Forwards ``127.0.0.1:port`` to a unix socket; change ``mode`` at any time."""

    def __init__(self, target: str) -> None:
        self.port = 0
        self.mode = Mode.PASS
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve for the block."""
        self._thread.start()
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._end(server), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def reset(self) -> None:
        """Break every connection at once, as a router that restarts does."""
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        await asyncio.sleep(0)  # what was just accepted begins, so that it can end
        self._abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3):
            await asyncio.sleep(0)  # an aborted transport closes its socket a turn later

    async def _serve(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        # Cancelled when all ends; of that asyncio would make an error of its own.
        with self._noted(to_near), suppress(OSError, asyncio.CancelledError):
            far, to_far = await asyncio.open_unix_connection(self._target)
            with self._noted(to_far):
                replies = asyncio.ensure_future(self._replies(far, to_near))
                await self._requests(near, to_far, replies)
                await asyncio.wait([replies])

    @contextmanager
    def _noted(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _requests(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, replies: asyncio.Future
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                await self._delay()
                if self.mode == Mode.LOSE_ANSWER and COMPLETION in data:
                    replies.cancel()
                    target.write(data)
                    await target.drain()
                    await asyncio.sleep(0.2)  # the server commits meanwhile
                    self.mode = Mode.PASS
                    return
                target.write(data)
                await target.drain()
        if not replies.done():
            target.transport.abort()

    async def _replies(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                await self._delay()
                if self.mode == Mode.HALF_CLOSED:
                    target.write_eof()
                    await asyncio.sleep(3600)
                target.write(data)
                await target.drain()
        target.transport.abort()

    async def _delay(self) -> None:
        while self.mode == Mode.HOLE:
            await asyncio.sleep(0.02)
        if self.mode == Mode.SLOW:
            await asyncio.sleep(SLOWNESS)
