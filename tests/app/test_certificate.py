"""The certificate made for tests: it shakes hands, is kept, and is made anew in time."""

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

from counterfoil import clock
from counterfoil.app.certificate import LIFE, own_certificate
from counterfoil.gateway.tls import server_context

NOW = clock.now()


async def test_it_shakes_hands(tmp_path: Path):
    """A client that trusts the file connects by the name in it; the key is for our eyes only."""
    place = own_certificate(tmp_path / "own.pem", "mx.example", NOW)
    assert place.stat().st_mode & 0o777 == 0o600
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=server_context(place, place)
    )
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context(cafile=str(place))
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="mx.example")
    assert writer.get_extra_info("ssl_object").version() in {"TLSv1.2", "TLSv1.3"}
    writer.close()
    server.close()
    await server.wait_closed()


def test_it_is_kept_while_it_is_good(tmp_path: Path):
    """The same certificate is used until its last day; then, or for another name, a new one is made."""
    place = tmp_path / "own.pem"
    first = own_certificate(place, "mx.example", NOW).read_bytes()
    assert own_certificate(place, "mx.example", NOW + LIFE - timedelta(days=2)).read_bytes() == first
    assert own_certificate(place, "mx.example", NOW + LIFE).read_bytes() != first
    second = place.read_bytes()
    assert own_certificate(place, "other.example", NOW).read_bytes() != second
