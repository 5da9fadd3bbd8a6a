import asyncio
import smtplib
import ssl

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from tests.flows.test_transaction import ONE
from tests.gateway.client import send
from tests.gateway.peers import house
from tests.gateway.test_server import MESSAGE

from counterfoil.gateway.headers import Dressed, Stripped
from counterfoil.gateway.relay import Relay
from counterfoil.gateway.routing import NextHop, Route, Tls
from counterfoil.gateway.smtp.events import Mail
from counterfoil.gateway.tls import Changing, client_contexts, server_context
from counterfoil.model.errors import Misconfigured, Unavailable
from counterfoil.model.mail import Outcome


class Papers:
    """A certificate authority with certificates of it, as PEM files."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(self.ca)

    def issue(self, name):
        issued = self.authority.issue_cert(name)
        chain, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.unlink(missing_ok=True)
        for blob in issued.cert_chain_pems:
            blob.write_to_path(chain, append=True)
        issued.private_key_pem.write_to_path(key)
        return chain, key


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """An authority that nobody else trusts."""
    return Papers(tmp_path_factory.mktemp("papers"))


async def secured(port, context, raw=MESSAGE, sender="ann@sender.example", to="bob@tenant.example"):
    """Send with smtplib after STARTTLS."""

    def talk():
        client = smtplib.SMTP("127.0.0.1", port, local_hostname="client.test", timeout=20)
        try:
            client.starttls(context=context)
            client.sendmail(sender, [to], raw)
            return client.esmtp_features
        finally:
            client.close()

    return await asyncio.to_thread(talk)


def trusting(papers, certificate=None):
    """Return a client's context that trusts our authority, with a client certificate or without."""
    context = ssl.create_default_context(cafile=papers.ca)
    context.check_hostname = False
    if certificate:
        context.load_cert_chain(*certificate)
    return context


async def test_starttls(papers):
    """A client speaks TLS with us, is offered it no second time, and Received says so."""
    async with house(tls=server_context(*papers.issue("mx.test"))) as here:
        features = await secured(here.port, trusting(papers))
        assert "starttls" not in features
        assert b" with ESMTPS id " in here.sink.delivered[0].raw


async def test_starttls_injection(papers):
    """What is sent in the clear behind STARTTLS ends the session, over a real socket too."""
    async with house(tls=server_context(*papers.issue("mx.test"))) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        await reader.readline()
        writer.write(b"EHLO c.test\r\n")
        while (await reader.readline())[3:4] == b"-":
            pass
        writer.write(b"STARTTLS\r\nMAIL FROM:<eve@evil.example>\r\n")
        assert (await reader.readline()).startswith(b"521 5.5.0 ")
        assert await reader.read() == b""
        writer.close()


async def test_a_client_certificate_names_a_tenants_host(papers):
    """A verified client certificate is asked for where authorities are configured; its names go to the directory."""
    context = server_context(*papers.issue("mx.test"), papers.ca)
    async with house(tls=context) as here:
        here.directory.accounts = [ONE]
        here.directory.hosts = {"mail.tenant.example": ONE}
        own = trusting(papers, papers.issue("mail.tenant.example"))
        await secured(here.outbound_port, own, MESSAGE, "ann@tenant.example", "far@elsewhere.example")
        assert here.journal.intents[0].envelope.tenant == "t1"
        for other in (trusting(papers, papers.issue("mail.other.example")), trusting(papers)):
            with pytest.raises(smtplib.SMTPDataError, match="no proof of a tenant"):
                await secured(here.outbound_port, other, MESSAGE, "ann@tenant.example", "far@elsewhere.example")


async def test_the_next_hop_is_verified(papers):
    """With `verify` the next hop's certificate must carry its name: the right one passes, another puts mail off."""
    contexts = client_contexts(*papers.issue("gateway.test"), papers.ca)
    for name, passes in (("localhost", True), ("elsewhere.test", False)):
        async with house(sink_tls=server_context(*papers.issue(name)), contexts=contexts) as here:
            hop = NextHop("localhost", here.sink_port, Tls.VERIFY)
            here.directory.routes["tenant.example"] = Route("t1", hop, {})
            if passes:
                await send(here.port, MESSAGE)
                assert here.sink.delivered[0].client.tls.startswith("TLS")
            else:
                with pytest.raises(
                    smtplib.SMTPRecipientsRefused,
                    match=r"4\.4\.1 the next hop (offers no STARTTLS|shows a certificate)",
                ):
                    await send(here.port, MESSAGE)


async def test_our_client_certificate_is_shown(papers):
    """The next hop sees our client certificate by name, which is what a connector of Microsoft 365 matches."""
    contexts = client_contexts(*papers.issue("gateway.test"), papers.ca)
    async with house(sink_tls=server_context(*papers.issue("localhost"), papers.ca), contexts=contexts) as here:
        hop = NextHop("localhost", here.sink_port, Tls.VERIFY)
        here.directory.routes["tenant.example"] = Route("t1", hop, {})
        await send(here.port, MESSAGE)
        assert here.sink.delivered[0].client.certificates == ("gateway.test",)


@pytest.mark.parametrize(
    ("tls", "offered", "spoken"),
    [
        (Tls.NONE, True, False),
        (Tls.OPPORTUNISTIC, True, True),
        (Tls.OPPORTUNISTIC, False, False),
        (Tls.REQUIRE, True, True),
        (Tls.REQUIRE, False, None),
        (Tls.VERIFY, False, None),
    ],
)
async def test_what_tls_must_achieve(papers, tls, offered, spoken):
    """Each way of TLS does what it says; where it asks for more than is offered, the mail is put off."""
    sink_tls = server_context(*papers.issue("elsewhere.test")) if offered else None
    async with house(sink_tls=sink_tls) as here:
        relay = Relay("mx.test", client_contexts())
        hop = NextHop("127.0.0.1", here.sink_port, tls)
        if spoken is None:
            with pytest.raises(
                Unavailable, match=r"the next hop (offers no STARTTLS|shows a certificate that is not believed)"
            ):
                await relay.connect(hop)
            return
        connected = await relay.connect(hop)
        await connected.mail(Mail("ann@sender.example"))
        await connected.recipient("bob@tenant.example")
        raw = Dressed(Stripped(MESSAGE), ())
        assert (await connected.data(raw, 10)).outcome is Outcome.HANDED_ON
        await connected.close()
        assert bool(here.sink.delivered[0].client.tls) is spoken


@pytest.mark.parametrize("which", ["certificate", "authorities"])
def test_files_that_cannot_be_used(papers, which, tmp_path):
    """A file that is no PEM is named, with what it should be."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    chain, key = papers.issue("mx.test")
    with pytest.raises(Misconfigured, match=r"wrong\.pem"):
        server_context(wrong if which == "certificate" else chain, key, wrong if which == "authorities" else None)
    with pytest.raises(Misconfigured, match=r"wrong\.pem"):
        client_contexts(wrong if which == "certificate" else chain, key, wrong if which == "authorities" else None)


async def test_a_certificate_is_changed_while_it_serves(papers, tmp_path):
    """The next handshake shows the new one though its key is of another kind; the connection before it goes on."""
    rsa = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("mx.test", key_type=trustme.KeyType.RSA)
    rsa.private_key_and_cert_chain_pem.write_to_path(tmp_path / "rsa.pem")
    changing = Changing(server_context(*papers.issue("mx.test")))
    client = client_contexts()[Tls.REQUIRE]

    def connect(port):
        made = smtplib.SMTP("127.0.0.1", port, local_hostname="client.test", timeout=20)
        made.starttls(context=client)
        return made, x509.load_der_x509_certificate(made.sock.getpeercert(binary_form=True))

    async with house(tls=changing.context) as here:
        first, before = await asyncio.to_thread(connect, here.port)
        changing.change(server_context(tmp_path / "rsa.pem", tmp_path / "rsa.pem"))
        second, after = await asyncio.to_thread(connect, here.port)
        for one in (first, second):
            await asyncio.to_thread(one.sendmail, "ann@sender.example", ["bob@tenant.example"], MESSAGE)
            await asyncio.to_thread(one.close)
    assert [isinstance(one.public_key(), RSAPublicKey) for one in (before, after)] == [False, True]
    assert len(here.sink.delivered) == 2
