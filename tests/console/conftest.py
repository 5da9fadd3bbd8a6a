"""The console that the tests of this folder share."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.console.house import House, furnish

from counterfoil.app.consoling import Look, sources_of
from counterfoil.app.state import open_state
from counterfoil.bounded.pool import Bounds
from counterfoil.config.settings import Config
from counterfoil.console.server import ConsoleServer


@pytest.fixture(scope="package")
def certificate() -> tuple[trustme.CA, trustme.LeafCert]:
    """An authority and our certificate from it."""
    authority = trustme.CA()
    return authority, authority.issue_cert("127.0.0.1")


@pytest.fixture(scope="package")
def house(
    tmp_path_factory: pytest.TempPathFactory, certificate: tuple[trustme.CA, trustme.LeafCert]
) -> Iterator[House]:
    """A console with two tenants, mail, campaigns, incidents, and accounts of every kind."""
    data: Path = tmp_path_factory.mktemp("console") / "data"
    authority, leaf = certificate
    server_side, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    leaf.configure_cert(server_side)
    authority.configure_trust(trust)
    with open_state(data, Config(), create=True) as state:
        look = Look(Bounds(seconds=20, memory=2**30))
        sources = sources_of(data, state, look)
        server = ConsoleServer(sources, server_side)
        made = House(state, sources, server, f"https://127.0.0.1:{server.listen('127.0.0.1', 0)}", trust)
        try:
            asyncio.run(furnish(made))
            yield made
        finally:
            for browser in made.browsers:
                browser.close()
            server.close()
            look.close()
