"""Who may send mail out through us: a tenant that proves itself, and only as itself."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import replace

from counterfoil.gateway.routing import Account, Client
from counterfoil.gateway.smtp.address import domain_of
from counterfoil.gateway.smtp.reply import Reply

_SHARED = re.compile(r"(?:^|\.)(?:outlook|office365|office|microsoft)\.(?:com|de|us|cn)$")

_NOT_PROVEN = Reply(550, "5.7.1", "no proof of a tenant: neither its secret header nor a host of its own")
_TWO_PROOFS = Reply(550, "5.7.1", "the secret header and the sending host belong to different tenants")
_NOT_ITS_DOMAIN = Reply(550, "5.7.1", "the sender is in no domain of the tenant that sends")


def digest(value: bytes) -> bytes:
    """Return the SHA-256 by which a secret header's value is kept and looked up."""
    return hashlib.sha256(value).digest()


def proves(account: Account | None, wanted: bytes) -> bool:
    """Compare in constant time: whether the digest is one of the account's secrets."""
    if account is None:
        return False
    matches = [hmac.compare_digest(secret, wanted) for secret in account.secrets]
    return any(matches)


def own_names(client: Client) -> Client:
    """Drop Microsoft 365's own names from a client's certificate: all its tenants share them, so they prove none."""
    return replace(client, certificates=tuple(name for name in client.certificates if not _SHARED.search(name)))


def sender_of(by_header: Account | None, by_host: Account | None, sender: str) -> Account | Reply:
    """Decide on whose behalf outbound mail is sent.

    Args:
        by_header: The tenant whose secret header the message carries.
        by_host: The tenant that owns the sending host.
        sender: The reverse-path; ``""`` (a bounce) is in no domain and rests on the proof alone.

    Returns:
        The tenant, or the reply that refuses.
    """
    if by_header and by_host and by_header.tenant != by_host.tenant:
        return _TWO_PROOFS
    account = by_header or by_host
    if account is None:
        return _NOT_PROVEN
    if sender and not in_domains(account, sender):
        return _NOT_ITS_DOMAIN
    return account


def in_domains(account: Account, address: str) -> bool:
    """Whether an address is in one of the account's domains; a subdomain is another domain."""
    return domain_of(address) in account.domains


def routed(address: str) -> bool:
    """Whether a local part names another host (``a%b``, ``b!a``): a next hop that trusts us might go there."""
    local = address.rpartition("@")[0]
    return any(c in local for c in "%!@")


def one_value(values: Iterable[bytes]) -> bytes | None:
    """Return the only value of the secret header; several prove nothing, as does none."""
    found = list(values)
    return found[0] if len(found) == 1 else None
