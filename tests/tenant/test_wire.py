"""The wire: HTTP/2 where it is offered, and what left us told from what did not."""

import contextlib
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events
import pytest

from counterfoil.lab.laboratory import Laboratory
from counterfoil.model.errors import Unavailable
from counterfoil.tenant.endpoints import Endpoints
from counterfoil.tenant.wire import Lost, Wire, fresh_id


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Only for its certificate authority."""
    with Laboratory(tmp_path_factory.mktemp("wire"), seed=1) as started:
        yield started


@contextlib.contextmanager
def listening(lab, folder, protocols, serve):
    """A TLS server on loopback that serves one connection and offers some protocols; yields its URL."""
    ours = lab.certificate(folder, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ours.certificate, ours.key)
    context.set_alpn_protocols(protocols)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run():
            raw, _ = server.accept()
            # A client that does not trust us hangs up in the middle of the handshake.
            with raw, contextlib.suppress(ssl.SSLError), context.wrap_socket(raw, server_side=True) as wrapped:
                serve(wrapped)

        thread = threading.Thread(target=run)
        thread.start()
        yield f"https://localhost:{server.getsockname()[1]}"
        thread.join(10)


def answer_http2(stream):
    """Answer every request on an HTTP/2 connection with the protocol that was agreed on, until the client leaves."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    stream.sendall(connection.data_to_send())
    while data := stream.recv(65536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                connection.send_headers(
                    event.stream_id, [(":status", "200"), ("x-agreed", stream.selected_alpn_protocol())]
                )
                connection.send_data(event.stream_id, b"two", end_stream=True)
        stream.sendall(connection.data_to_send())


def wire_to(lab):
    """A wire that trusts the laboratory's authority, and waits a short while."""
    return Wire(Endpoints(ca=str(lab.endpoints.ca)), seconds=2.0)


def test_http2_is_spoken_where_it_is_offered(lab, tmp_path):
    """Two requests go over one HTTP/2 connection that ALPN agreed on."""
    with listening(lab, tmp_path, ["h2", "http/1.1"], answer_http2) as url, wire_to(lab) as wire:
        answers = [wire.send("GET", f"{url}/{n}", {}) for n in range(2)]
    assert [(a.status, a.headers["x-agreed"], a.content) for a in answers] == [(200, "h2", b"two")] * 2


def test_a_connection_that_breaks_after_the_request_is_lost(lab, tmp_path):
    """The other side read the request and went away: it may have done it."""
    with (
        listening(lab, tmp_path, ["http/1.1"], lambda stream: stream.recv(65536)) as url,
        wire_to(lab) as wire,
        pytest.raises(Lost, match="no answer from localhost"),
    ):
        wire.send("POST", url, {}, b"change")


def test_a_port_where_nobody_listens_is_not_lost(lab):
    """Nothing left us, so nothing can have been done, and the hint says what to see to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with wire_to(lab) as wire, pytest.raises(Unavailable, match="cannot be reached") as caught:
        wire.send("POST", f"https://localhost:{port}/", {}, b"change")
    assert not isinstance(caught.value, Lost)
    assert "[microsoft365] in it says where" in caught.value.hint
    assert "--config" in caught.value.hint


def test_a_certificate_that_nobody_vouches_for_gets_no_request(lab, tmp_path):
    """Without the authority nothing is sent."""
    with (
        listening(lab, tmp_path, ["http/1.1"], lambda _: None) as url,
        Wire(Endpoints(), seconds=2.0) as wire,
        pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        wire.send("GET", url, {})


def test_ids_are_never_the_same():
    """128 random bits: a thousand ids are a thousand."""
    assert len({fresh_id() for _ in range(1000)}) == 1000
