"""One worker process and its end of the socket; a driver for asyncio and one for plain threads."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

from counterfoil.bounded.frames import Ask, Bounds, Conversation, Died, Exceeded, Receive, Send, converse, greet
from counterfoil.bounded.isolation import Isolation

START_SECONDS = 60.0
"""How long a worker may take to load its function; a busy machine is no reason to give up on it."""

PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "MALLOC_ARENA_MAX", "PYTHONHASHSEED")
"""Of the environment only this reaches the worker; secrets live in the rest."""

# Isolated mode: no PYTHON* variable and no working directory decides what is imported; the parent's own
# search path does.
BOOT = (
    "import json,sys;c,t,b,l,p=json.loads(sys.argv[1]);sys.path[:]=p;"
    "from counterfoil.bounded.frames import Bounds;from counterfoil.bounded.child import main;"
    "main(c,t,Bounds(**b),l)"
)

T = TypeVar("T")


async def _nobody_asks(question: bytes) -> bytes:
    return question


class Worker:
    """A started process; ``isolation`` is known once it has been greeted.

    Args:
        target: ``"package.module:function"``, a function ``(argument, ask) -> result``.
        bounds: What one job may cost.
        lifetime: Seconds of processor time after which the kernel ends it.
    """

    def __init__(self, target: str, bounds: Bounds, lifetime: float) -> None:
        self.bounds = bounds
        self.jobs = 0
        self.busy = 0.0
        self.isolation: Isolation | None = None
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = (theirs.fileno(), target, asdict(bounds), lifetime, [place for place in sys.path if place])
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, and arguments of our own
                [sys.executable, "-I", "-c", BOOT, json.dumps(arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            )
        self._socket = ours

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def kill(self) -> None:
        """End the process by SIGKILL, which nothing in it can catch."""
        self._process.kill()
        self._socket.close()

    def gone(self, timeout: float | None = 0) -> bool:
        """Say whether a killed process has been reaped by now."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    async def greet(self) -> Isolation:
        """Wait on asyncio until the worker stands; returns what its isolation is."""
        self._socket.settimeout(0)
        if self.isolation is None:
            self.isolation = Isolation.from_json(await self._hold(greet(), START_SECONDS, _nobody_asks))
        return self.isolation

    def greet_sync(self) -> Isolation:
        """Do the same, blocking the calling thread."""
        if self.isolation is None:
            self.isolation = Isolation.from_json(self._hold_sync(greet(), START_SECONDS, bytes))
        return self.isolation

    async def run(self, argument: bytes, answer: Callable[[bytes], Awaitable[bytes]]) -> bytes:
        """Have one argument worked on, on asyncio; see ``Pool.run``."""
        await self.greet()
        began = time.monotonic()
        try:
            return await self._hold(converse(argument, self.bounds), self.bounds.seconds, answer)
        finally:
            self._count(began)

    def run_sync(self, argument: bytes, answer: Callable[[bytes], bytes]) -> bytes:
        """Have one argument worked on, blocking the calling thread; see ``Pool.run_sync``."""
        self.greet_sync()
        began = time.monotonic()
        try:
            return self._hold_sync(converse(argument, self.bounds), self.bounds.seconds, answer)
        finally:
            self._count(began)

    def _count(self, began: float) -> None:
        self.jobs += 1
        self.busy += time.monotonic() - began

    async def _hold(
        self, conversation: Conversation[T], seconds: float, answer: Callable[[bytes], Awaitable[bytes]]
    ) -> T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                step = next(conversation)
                while True:
                    reply = b""
                    if isinstance(step, Send):
                        await loop.sock_sendall(self._socket, step.data)
                    elif isinstance(step, Ask):
                        reply = await answer(step.question)
                    else:
                        reply = await self._exactly(loop, step)
                    step = conversation.send(reply)
        except StopIteration as done:
            value: T = done.value
            return value
        except TimeoutError:
            raise Exceeded(f"more than {seconds:g} s") from None
        except (ConnectionError, EOFError):
            raise Died(self._how()) from None

    def _hold_sync(self, conversation: Conversation[T], seconds: float, answer: Callable[[bytes], bytes]) -> T:
        deadline = time.monotonic() + seconds
        try:
            step = next(conversation)
            while True:
                reply = b""
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                if isinstance(step, Send):
                    self._socket.sendall(step.data)
                elif isinstance(step, Ask):
                    reply = answer(step.question)
                else:
                    reply = self._exactly_sync(step, deadline)
                step = conversation.send(reply)
        except StopIteration as done:
            value: T = done.value
            return value
        except TimeoutError:
            raise Exceeded(f"more than {seconds:g} s") from None
        except (ConnectionError, EOFError):
            raise Died(self._how()) from None

    async def _exactly(self, loop: asyncio.AbstractEventLoop, step: Receive) -> bytes:
        buffer = bytearray(step.size)
        rest = memoryview(buffer)
        while rest:
            count = await loop.sock_recv_into(self._socket, rest)
            if count == 0:
                raise EOFError
            rest = rest[count:]
        return bytes(buffer)

    def _exactly_sync(self, step: Receive, deadline: float) -> bytes:
        buffer = bytearray(step.size)
        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            count = self._socket.recv_into(rest)
            if count == 0:
                raise EOFError
            rest = rest[count:]
        return bytes(buffer)

    def _how(self) -> str:
        """Say how the process ended; it has closed its socket, so that it is about to."""
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "the worker hung up"
        return f"the worker was ended by signal {-code}" if code < 0 else f"the worker ended with code {code}"
