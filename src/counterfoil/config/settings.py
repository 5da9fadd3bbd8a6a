"""Every key of the configuration, with its default and its meaning: the one table that all else comes from.

The reader (``reading.py``) and the reference in docs/configuration.md are made from these classes.
"""

# ruff: noqa: RUF009 - setting() declares a field and makes nothing that could be shared

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counterfoil.config import values
from counterfoil.config.values import HostPort, Reader
from counterfoil.gateway.headers import SECRET_HEADER


def setting(default: object, reader: Reader, meaning: str) -> Any:
    """Declare one key: its default, how its value is read, and what it means."""
    return field(default=default, metadata={"reader": reader, "meaning": meaning})


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where mail comes in over SMTP, and how much of it at once."""

    listen: HostPort | None = setting(
        HostPort("127.0.0.1", 2525), values.listener, 'where mail for the tenants comes in; "" switches it off'
    )
    outbound_listen: HostPort | None = setting(
        None, values.listener, 'where mail from the tenants comes in; "" (the default) switches it off'
    )
    hostname: str = setting("", values.host_name, "our name in greetings and headers; the machine's own if left out")
    tls_certificate: Path | None = setting(
        None, values.path, "PEM file with our certificate and its chain; one is made for tests if left out"
    )
    tls_key: Path | None = setting(None, values.path, "PEM file with the private key of the certificate")
    client_ca: Path | None = setting(
        None, values.path, "PEM file with the authorities whose client certificates may prove a tenant's own host"
    )
    next_hop_ca: Path | None = setting(
        None, values.path, "PEM file with the authorities that next hops are verified by; the system's if left out"
    )
    secret_header: str = setting(
        SECRET_HEADER, values.header_name, "the header field in which a tenant's transport rule puts its secret"
    )
    message_octets: int = setting(50 * 2**20, values.whole(2**16, 2**30), "largest message taken (RFC 1870)")
    recipients: int = setting(100, values.whole(1, 10_000), "most recipients of one message")
    connections: int = setting(200, values.whole(1, 100_000), "most connections at once")
    connections_per_client: int = setting(20, values.whole(1, 100_000), "most connections at once from one address")
    messages_per_minute: int = setting(
        600, values.whole(1, 1_000_000), "most messages a minute from one client address"
    )
    octets_under_way: int = setting(
        2**30, values.whole(2**20, 2**40), "most content of all messages under way together; above it clients hear 421"
    )
    command_seconds: int = setting(300, values.whole(1, 3600), "how long a client may take to say a command")
    content_pause_seconds: int = setting(180, values.whole(1, 3600), "longest pause within the content of a message")
    content_seconds: int = setting(1800, values.whole(1, 86_400), "how long a client may take to send one message")
    reply_seconds: int = setting(
        600, values.whole(30, 3600), "how long after its dot a client waits for the reply, scan and next hop included"
    )
    next_hop_connect_seconds: int = setting(
        30, values.whole(1, 300), "how long each step of connecting to a next hop may take"
    )
    next_hop_command_seconds: int = setting(
        60, values.whole(1, 300), "how long a next hop may take to answer a command"
    )
    postmaster: str = setting(
        "",
        values.mailbox,
        "who gets mail to <postmaster> without a domain and to the postmaster of hostname: an address in a domain of a"
        " tenant (RFC 5321 section 4.5.1)",
    )
    drain_seconds: int = setting(
        30, values.whole(1, 3600), "how long messages under way have to end when we are stopped"
    )


@dataclass(frozen=True, slots=True)
class Outbound:
    """Where mail from the tenants goes. Never an MX look-up."""

    relay: HostPort | None = setting(
        None, values.relay, "the one host that outbound mail is handed to; port 25 if left out"
    )
    tls: str = setting(
        "verify",
        values.one_of("none", "opportunistic", "require", "verify"),
        "what STARTTLS must achieve towards the relay",
    )


@dataclass(frozen=True, slots=True)
class Milter:
    """The same flow behind Postfix's smtpd_milters."""

    listen: HostPort | None = setting(
        None, values.listener, 'where the Postfix for mail to the tenants connects; "" (the default) switches it off'
    )
    outbound_listen: HostPort | None = setting(
        None, values.listener, 'where the Postfix for mail from the tenants connects; "" (the default) switches it off'
    )


@dataclass(frozen=True, slots=True)
class Console:
    """The web face."""

    listen: HostPort | None = setting(None, values.listener, 'where browsers connect; "" (the default) switches it off')
    behind_proxy: bool = setting(
        default=False,
        reader=values.flag,
        meaning="true: a proxy on this machine speaks TLS for us; listen must then be on loopback",
    )


@dataclass(frozen=True, slots=True)
class Database:
    """Where rows live."""

    url: str = setting("", values.database_url, "a PostgreSQL URL; SQLite in the data folder if left out")


@dataclass(frozen=True, slots=True)
class Dns:
    """Look-ups for SPF, DKIM, DMARC and ARC."""

    enabled: bool = setting(default=True, reader=values.flag, meaning="false: sender authentication is not checked")
    servers: tuple[str, ...] = setting((), values.addresses, "resolvers to ask; those of the system if left out")


@dataclass(frozen=True, slots=True)
class Scanning:
    """The bounded workers that messages are taken apart in."""

    workers: int = setting(2, values.whole(1, 256), "how many worker processes")
    seconds: int = setting(20, values.whole(1, 120), "time for one message; what is not finished is uninspectable")
    memory_octets: int = setting(2**30, values.whole(2**27, 2**36), "memory of one worker")


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Held messages."""

    retry_seconds: int = setting(
        60, values.whole(1, 86_400), "pause before a failed release is tried again, doubled up to an hour"
    )


@dataclass(frozen=True, slots=True)
class Microsoft365:
    """Where Microsoft 365 is reached; a national cloud or a laboratory is elsewhere."""

    login: str = setting("https://login.microsoftonline.com", values.https, "the token service")
    graph: str = setting("https://graph.microsoft.com", values.https, "Microsoft Graph")
    management: str = setting("https://manage.office.com", values.https, "the Office 365 Management Activity API")
    ca: Path | None = setting(None, values.path, "PEM file with the authorities to trust; the system's if left out")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What connections do by themselves, where a signer runs: heartbeats, and pulling the tenants' own logs."""

    heartbeat_minutes: int = setting(
        60, values.whole(0, 1440), "time between two heartbeats of a connection; 0 switches them off"
    )
    heartbeat_mailbox: str = setting(
        "heartbeat", values.local_part, "local part of the mailbox, in each tenant's first domain, that heartbeats read"
    )
    pull_minutes: int = setting(15, values.whole(0, 1440), "time between two pulls of a tenant's logs; 0: none")
    storage: Path | None = setting(
        None,
        values.folder,
        "folder that holds what diagnostic settings export (a container); read by reconcile as well",
    )
    containers: Path | None = setting(
        None,
        values.path,
        "file of containers to pull over HTTPS, a line each: TENANT URL, with a SAS; only its owner may read it",
    )
    storage_host: str = setting(
        "", values.https_or_none, "base URL of a storage host besides Microsoft's clouds: a laboratory's"
    )


@dataclass(frozen=True, slots=True)
class Rotation:
    """How often and how far apart something must be seen in a rotation before it is believed."""

    reads: int = setting(3, values.whole(1, 100), "equal readings of a credential list in a row")
    successes: int = setting(3, values.whole(1, 100), "tokens that a new credential must win")
    refusals: int = setting(3, values.whole(1, 100), "times that an old key must be refused")
    spacing_seconds: int = setting(30, values.whole(1, 3600), "time between two of them")
    propagation_seconds: int = setting(
        600, values.whole(1, 86_400), "how long the token service may still honour a removed key"
    )
    longest_token_life_seconds: int = setting(
        100_800, values.whole(1, 604_800), "how long a token of a removed key may live: 28 hours unless you know better"
    )
    import_session_life_seconds: int = setting(
        86_400, values.whole(0, 604_800), "how long an import URL may work that an old token opened; none can be listed"
    )
    bake_seconds: int = setting(600, values.whole(1, 86_400), "how long a wave works before the next begins")
    test_tenant: str = setting("", values.string, "our own test tenant, as we name it: the first wave of each campaign")


@dataclass(frozen=True, slots=True)
class Log:
    """JSON lines on stderr (plain ones on a terminal), never with message content."""

    level: str = setting("info", values.one_of("debug", "info", "warning", "error"), "what is worth a line")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; the names of the fields are the names of the sections."""

    gateway: Gateway = field(default_factory=Gateway)
    outbound: Outbound = field(default_factory=Outbound)
    milter: Milter = field(default_factory=Milter)
    console: Console = field(default_factory=Console)
    database: Database = field(default_factory=Database)
    dns: Dns = field(default_factory=Dns)
    scan: Scanning = field(default_factory=Scanning)
    quarantine: Quarantine = field(default_factory=Quarantine)
    microsoft365: Microsoft365 = field(default_factory=Microsoft365)
    evidence: Evidence = field(default_factory=Evidence)
    rotation: Rotation = field(default_factory=Rotation)
    log: Log = field(default_factory=Log)
