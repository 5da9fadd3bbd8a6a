"""The same flow behind Postfix's ``smtpd_milters``: an asyncio edge over ``milter_session``.

"Handed on" means accepted into Postfix's queue: Postfix answers its client only after it has the message
on disk. A message that we hold is answered with DISCARD, which has Postfix say 250 and keep nothing, after
it is durable with us. Anything that goes wrong here is a temporary failure, given
``milter_default_action=tempfail``.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from counterfoil.gateway.conversation import Conversation
from counterfoil.gateway.hop import Hops
from counterfoil.gateway.listeners import Listeners
from counterfoil.gateway.milter_session import MilterSession, PostfixQueue
from counterfoil.gateway.milter_wire import BadPacket, Decoder
from counterfoil.model.mail import Direction

log = logging.getLogger(__name__)

_PIECE = 256 * 1024


class MilterServer:
    """Where Postfix connects.

    Args:
        converse: Makes the conversation of one connection, with the queue as its next hop.
        most: Octets of the largest message.
    """

    def __init__(self, converse: Callable[[Hops], Conversation], *, most: int) -> None:
        self._converse = converse
        self._most = most
        self._listeners = Listeners()
        self._tasks: dict[asyncio.Task[None], tuple[MilterSession, asyncio.StreamWriter]] = {}

    async def listen(self, host: str, port: int, direction: Direction) -> int:
        """Listen; return the port (port 0 lets the system choose).

        Raises:
            Misconfigured: If the address cannot be had.
        """
        start = partial(asyncio.start_server, partial(self._serve, direction), host, port)
        return await self._listeners.add(host, port, start)

    async def drain(self, seconds: float) -> None:
        """Stop listening, and give messages under way some time; Postfix puts off those that are cut."""
        self._listeners.close()
        for session, writer in self._tasks.values():
            if not session.busy:
                writer.close()
        await self._listeners.drain(self._tasks, seconds)

    async def _serve(self, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        queue = PostfixQueue()
        conversation = self._converse(queue)
        session = MilterSession(conversation, queue, direction, self._most)
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] = session, writer
        task.add_done_callback(self._tasks.__delitem__)
        ended_well = False
        try:
            await self._talk(session, reader, writer)
            ended_well = True
        except (BadPacket, ConnectionError) as error:
            log.warning("a milter connection ended: %s", error)
        except Exception:
            log.exception("a milter connection broke; Postfix puts the message off")
        finally:
            conversation.answered(heard=ended_well)
            await conversation.close()
            writer.close()

    async def _talk(self, session: MilterSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder()
        while data := await reader.read(_PIECE):
            for packet in decoder.receive(data):
                answer = await session.answer(packet)
                if answer is None:
                    return
                writer.write(answer)
            await writer.drain()
