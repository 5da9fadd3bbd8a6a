"""The composition root: everything is made here, in this order, and nowhere else."""

import asyncio
import logging
import secrets
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from counterfoil import __version__, clock
from counterfoil.app import sending
from counterfoil.app.consoling import console
from counterfoil.app.heartbeat import Sender
from counterfoil.app.lock import alone
from counterfoil.app.logs import log_to_stderr
from counterfoil.app.services import Services
from counterfoil.app.state import State, open_state
from counterfoil.bounded.pool import Bounds, Died, Exceeded, Pool
from counterfoil.config.settings import Config
from counterfoil.config.values import HostPort
from counterfoil.flows.mail import MailFlow, Names
from counterfoil.flows.transaction import Transactions
from counterfoil.gateway.access import AccessLimits
from counterfoil.gateway.connection import Times
from counterfoil.gateway.milter import MilterServer
from counterfoil.gateway.milter_session import QUEUE
from counterfoil.gateway.resolver import Network, NotAsked, Rationed
from counterfoil.gateway.server import SmtpServer
from counterfoil.gateway.smtp.limits import Limits
from counterfoil.gateway.tls import server_context
from counterfoil.model.errors import Unavailable
from counterfoil.model.mail import Decision, Direction, Envelope, Json, Scan
from counterfoil.scan import policy_document
from counterfoil.scan.scanner import WORK, Scanner
from counterfoil.scan.verdict import REASONS, decide

log = logging.getLogger(__name__)


def serve(data: Path, config: Config) -> None:
    """Run the gateway until SIGTERM or SIGINT, then let what is under way come to its end.

    Raises:
        Misconfigured: If it cannot start as configured.
        Unavailable: If no worker can be started.
    """
    log_to_stderr(config.log.level)
    with alone(data), open_state(data, config, create=True) as state:
        unknown = state.journal.recover()
        if unknown:
            _say("the last run left messages without an outcome", count=unknown)
        with console(data, config, state) as port:
            if port is not None and config.console.listen is not None:
                _say("listening", face="console", host=config.console.listen.host, port=port)
            asyncio.run(_serve(data, config, state))
    _say("stopped")


async def _serve(data: Path, config: Config, state: State) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _pool(config) as pool:
        await _ready(pool)
        flow = _flow(config, state, pool)
        smtp, milter = _smtp(data, config, state, flow), _milter(config, state, flow)
        beside = [asyncio.create_task(sending.releases(state, config, data).run(stop))]
        try:
            port = await _listen("smtp", smtp, config.gateway.listen, config.gateway.outbound_listen)
            await _listen("milter", milter, config.milter.listen, config.milter.outbound_listen)
            beside.append(asyncio.create_task(_services(data, config, state, port).run(stop)))
            _say("ready", version=__version__)
            await stop.wait()
            _say("stopping")
        finally:
            stop.set()
            await asyncio.gather(smtp.drain(config.gateway.drain_seconds), milter.drain(config.gateway.drain_seconds))
            await _end(beside, config.gateway.drain_seconds)


async def _end(tasks: list[asyncio.Task[None]], seconds: float) -> None:
    """Give tasks time to end; what is cut off is a release that is tried again when its claim runs out."""
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for cut in late:
        cut.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _services(data: Path, config: Config, state: State, port: int | None) -> Services:
    """Make what connections do by themselves; their heartbeats come in where all mail comes in."""
    gateway = config.gateway.listen
    here = None if gateway is None or port is None else HostPort(_reached(gateway.host), port)
    return Services(data, config, state, Sender(here, sending.hostname(config)))


def _reached(host: str) -> str:
    """Return where a listener is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def _pool(config: Config) -> Pool:
    bounds = Bounds(seconds=config.scan.seconds, memory=config.scan.memory_octets)
    return Pool(WORK, config.scan.workers, bounds)


async def _ready(pool: Pool) -> None:
    try:
        isolation = await pool.ready()
    except (Died, Exceeded) as error:
        raise Unavailable(f"no worker can be started: {error}", "run counterfoil doctor") from error
    _say("workers are up", isolated_by=list(isolation.in_force), not_isolated_by=list(isolation.missing))


def _flow(config: Config, state: State, pool: Pool) -> MailFlow:
    network = Network(config.dns.servers) if config.dns.enabled else NotAsked()
    return MailFlow(
        names=Names(sending.hostname(config), config.gateway.secret_header, config.gateway.postmaster),
        journal=state.journal,
        holder=state.journal,
        scanner=Scanner(pool, lambda: Rationed(network).answer),
        decide=_decide,
        now=clock.now,
        monotonic=time.monotonic,
        whole=config.gateway.reply_seconds,
    )


def _smtp(data: Path, config: Config, state: State, flow: MailFlow) -> SmtpServer:
    gateway, outbound = config.gateway, sending.outbound(config)
    relay = sending.relay(config, data)
    return SmtpServer(
        lambda: Transactions(flow, state.directory, relay, outbound=outbound, via="smtp", new_id=_new_id),
        hostname=sending.hostname(config),
        limits=Limits(message=gateway.message_octets, recipients=gateway.recipients),
        access=AccessLimits(
            gateway.connections, gateway.connections_per_client, gateway.messages_per_minute, gateway.octets_under_way
        ),
        times=Times(gateway.command_seconds, gateway.content_pause_seconds, gateway.content_seconds),
        tls=server_context(*sending.certificate(config, data), gateway.client_ca),
    )


def _milter(config: Config, state: State, flow: MailFlow) -> MilterServer:
    return MilterServer(
        lambda queue: Transactions(flow, state.directory, queue, outbound=QUEUE, via="milter", new_id=_new_id),
        most=config.gateway.message_octets,
    )


async def _listen(
    what: str, server: SmtpServer | MilterServer, inbound: HostPort | None, outbound: HostPort | None
) -> int | None:
    """Listen where it is configured; return the port for inbound."""
    ports: dict[Direction, int] = {}
    for direction, place in ((Direction.INBOUND, inbound), (Direction.OUTBOUND, outbound)):
        if place is not None:
            ports[direction] = await server.listen(place.host, place.port, direction)
            _say("listening", face=what, direction=direction.value, host=place.host, port=ports[direction])
    return ports.get(Direction.INBOUND)


def _decide(scan: Scan, envelope: Envelope, policy: Mapping[str, Json]) -> Decision:
    return decide(scan, envelope, policy_document.read(policy, REASONS), clock.now())


def _new_id() -> str:
    """Return an id that sorts by time and that nobody can guess."""
    return f"{clock.now():%Y%m%d%H%M%S}-{secrets.token_hex(6)}"


def _say(what: str, **facts: object) -> None:
    log.info(what, extra={"facts": facts})
