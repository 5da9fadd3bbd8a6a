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
from counterfoil.app.certificate_change import Change, Doors, Shown, begin
from counterfoil.app.certificate_offer import offers_again
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
from counterfoil.gateway.relay import Relay
from counterfoil.gateway.resolver import Network, NotAsked, Rationed
from counterfoil.gateway.server import SmtpServer
from counterfoil.gateway.smtp.limits import Limits
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
        begin(data, config, state.ledger)
        shown = Shown(config, data)
        with console(data, config, state, shown.console.context) as port:
            place = config.console.listen if port is not None else None
            if place is not None:
                _say("listening", face="console", host=place.host, port=port)
            asyncio.run(_serve(data, config, state, shown, _reached(place, port)))
    _say("stopped")


async def _serve(data: Path, config: Config, state: State, shown: Shown, site: HostPort | None) -> None:
    stop, again = asyncio.Event(), asyncio.Event()
    for number, event in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, again)):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    async with _pool(config) as pool:
        await _ready(pool)
        flow, relay = _flow(config, state, pool), sending.relay(config, shown.clients)
        smtp, milter = _smtp(config, state, flow, relay, shown), _milter(config, state, flow)
        beside = [asyncio.create_task(sending.releases(state, config, data, relay).run(stop))]
        try:
            doors = await _doors(config, smtp, milter, site)
            services = Services(data, config, state, Sender(doors.inbound, sending.hostname(config)))
            change = Change(data, config, state, shown, doors)
            beside += [asyncio.create_task(one.run(stop)) for one in (services, change)]
            beside.append(asyncio.create_task(offers_again(data, config, state, again, stop)))
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


async def _doors(config: Config, smtp: SmtpServer, milter: MilterServer, site: HostPort | None) -> Doors:
    """Listen, and return where our own listeners are reached from here."""
    gateway = config.gateway
    ports = await _listen("smtp", smtp, gateway.listen, gateway.outbound_listen)
    await _listen("milter", milter, config.milter.listen, config.milter.outbound_listen)
    return Doors(
        _reached(gateway.listen, ports.get(Direction.INBOUND)),
        _reached(gateway.outbound_listen, ports.get(Direction.OUTBOUND)),
        None if config.console.behind_proxy else site,
    )


def _reached(listen: HostPort | None, port: int | None) -> HostPort | None:
    """Return where a listener is reached from this machine."""
    if listen is None or port is None:
        return None
    return HostPort({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host), port)  # noqa: S104 - compared, not bound


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


def _smtp(config: Config, state: State, flow: MailFlow, relay: Relay, shown: Shown) -> SmtpServer:
    gateway, outbound = config.gateway, sending.outbound(config)
    return SmtpServer(
        lambda: Transactions(flow, state.directory, relay, outbound=outbound, via="smtp", new_id=_new_id),
        hostname=sending.hostname(config),
        limits=Limits(message=gateway.message_octets, recipients=gateway.recipients),
        access=AccessLimits(
            gateway.connections, gateway.connections_per_client, gateway.messages_per_minute, gateway.octets_under_way
        ),
        times=Times(gateway.command_seconds, gateway.content_pause_seconds, gateway.content_seconds),
        tls=shown.smtp.context,
    )


def _milter(config: Config, state: State, flow: MailFlow) -> MilterServer:
    return MilterServer(
        lambda queue: Transactions(flow, state.directory, queue, outbound=QUEUE, via="milter", new_id=_new_id),
        most=config.gateway.message_octets,
    )


async def _listen(
    what: str, server: SmtpServer | MilterServer, inbound: HostPort | None, outbound: HostPort | None
) -> dict[Direction, int]:
    """Listen where it is configured; return the ports."""
    ports: dict[Direction, int] = {}
    for direction, place in ((Direction.INBOUND, inbound), (Direction.OUTBOUND, outbound)):
        if place is not None:
            ports[direction] = await server.listen(place.host, place.port, direction)
            _say("listening", face=what, direction=direction.value, host=place.host, port=ports[direction])
    return ports


def _decide(scan: Scan, envelope: Envelope, policy: Mapping[str, Json]) -> Decision:
    return decide(scan, envelope, policy_document.read(policy, REASONS), clock.now())


def _new_id() -> str:
    """Return an id that sorts by time and that nobody can guess."""
    return f"{clock.now():%Y%m%d%H%M%S}-{secrets.token_hex(6)}"


def _say(what: str, **facts: object) -> None:
    log.info(what, extra={"facts": facts})
