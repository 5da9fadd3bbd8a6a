"""TLS contexts: ours as a server, and towards next hops. TLS 1.2 is the oldest that is spoken."""

import ssl
from pathlib import Path
from typing import Any

from counterfoil.gateway.routing import Tls
from counterfoil.model.errors import Misconfigured


def server_context(certificate: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """Make the context that STARTTLS is answered with.

    Args:
        certificate: PEM, ours with its chain.
        key: PEM.
        client_ca: PEM, authorities whose client certificates may prove a tenant's own host. With it every
            client is asked for a certificate. Python ends the handshake if one is shown that does not
            verify, and Microsoft 365 always shows its own, so public authorities are trusted as well; what
            a name is worth is decided by the directory of tenants.

    Raises:
        Misconfigured: If a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, certificate, key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        _trust(context, client_ca)
    return context


class Changing:
    """A server context whose certificate can be changed while it serves.

    Every handshake that begins after ``change`` shows the new certificate; connections that are open go on.
    The answer to the client hello is the place for it: a listener keeps the context that it began with, and a
    context that two certificates were loaded into chooses between them by the kind of their keys.

    Args:
        context: The context to begin with; it is the one to listen with.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self._current = context
        context.sni_callback = self._choose

    def change(self, newer: ssl.SSLContext) -> None:
        """Use another context from the next handshake on."""
        self._current = newer

    def _choose(self, peer: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        peer.context = self._current


def client_contexts(
    certificate: Path | None = None, key: Path | None = None, ca: Path | None = None
) -> dict[Tls, ssl.SSLContext]:
    """Make the contexts that next hops are spoken to with, one for each way that needs one.

    Args:
        certificate: PEM, the client certificate that we show (Microsoft 365's connectors match its name).
        key: PEM.
        ca: PEM, authorities trusted for ``Tls.VERIFY`` instead of the system's.

    Raises:
        Misconfigured: If a file cannot be used.
    """
    verified = ssl.create_default_context()
    if ca is not None:
        verified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _trust(verified, ca)
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    for context in (verified, unverified):
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None and key is not None:
            _load(context, certificate, key)
    return {Tls.VERIFY: verified, Tls.REQUIRE: unverified, Tls.OPPORTUNISTIC: unverified}


def peer_names(peer: ssl.SSLObject) -> tuple[str, ...]:
    """Return the DNS names of a verified client certificate, lower case; none if there is no such certificate."""
    certificate: dict[str, Any] = peer.getpeercert() or {}
    return tuple(value.lower() for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS")


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(
            f"the certificate {certificate} with the key {key} cannot be used: {error}",
            "both are PEM files, the key belongs to the first certificate, and this process may read them",
        ) from error


def _trust(context: ssl.SSLContext, authorities: Path) -> None:
    try:
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(
            f"the authorities in {authorities} cannot be used: {error}", "it is a PEM file of certificates"
        ) from error
