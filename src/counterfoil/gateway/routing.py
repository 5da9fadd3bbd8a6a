"""Where mail may go and on whose behalf: values that the directory of tenants gives to the flow."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from counterfoil.model.mail import Direction, Json


class Tls(StrEnum):
    """What STARTTLS must achieve towards a next hop: nothing, what is offered, encryption, a verified name."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    REQUIRE = "require"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class NextHop:
    """The server that takes a tenant's mail from us: a host name or address literal, and a port."""

    host: str
    port: int = 25
    tls: Tls = Tls.OPPORTUNISTIC

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Route:
    """What we know of a recipient whose domain is a tenant's: whose, where its mail goes, and the policy.

    ``policy`` is the policy's document as it is kept; recipients of one tenant may differ in it.
    """

    tenant: str
    next_hop: NextHop
    policy: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant as a sender of outbound mail: its domains (lower case, A-labels) and the policy.

    ``secrets`` are the SHA-256 digests of the values that its transport rule may put into the secret
    header; more than one while it is being changed.
    """

    tenant: str
    domains: frozenset[str]
    policy: Mapping[str, Json]
    secrets: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """Who is connected to us, and to which listener.

    ``direction`` is that of the listener. ``certificates`` are the names (DNS names of the subject
    alternative names, lower case) of a client certificate that was verified, else empty.
    """

    address: str
    direction: Direction
    helo: str = ""
    extended: bool = False
    tls: str = ""
    certificates: tuple[str, ...] = ()
