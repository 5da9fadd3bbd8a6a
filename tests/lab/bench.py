"""A laboratory without a network, whose clock the test holds, and keys that it did not make."""

import base64
import datetime as dt
import json
import uuid
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from counterfoil.lab.entra import face as entra
from counterfoil.lab.graph import face as graph
from counterfoil.lab.operations import OPERATIONS
from counterfoil.lab.wire import Call, Pending, Reply
from counterfoil.lab.world import World

NOON = dt.datetime(2026, 10, 5, 12, tzinfo=dt.UTC).timestamp()
GRAPH = "https://graph.microsoft.com"
LOGIN = "https://login.microsoftonline.com"
MESSAGE = (
    b"From: Bob <bob@fabrikam.example>\r\nTo: alice@contoso.example\r\nSubject: Invoice\r\n"
    b"Message-ID: <m1@fabrikam.example>\r\nDate: Mon, 5 Oct 2026 09:10:00 +0000\r\n\r\nHello\r\n"
)


class KeyPair:
    """A key and a self-signed certificate; nothing in it comes from the laboratory."""

    def __init__(self, name="connection", days=90, start=None):
        self.key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        start = start or dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + dt.timedelta(days=days))
            .sign(self.key, hashes.SHA256())
        )
        self.key_pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()
        self.der = self.certificate.public_bytes(Encoding.DER)
        self.sha1 = self.certificate.fingerprint(hashes.SHA1())
        self.sha256 = self.certificate.fingerprint(hashes.SHA256())

    def sign(self, claims, header=None):
        """Sign a JWT, RS256 with x5t unless the header says otherwise."""
        header = header or {"alg": "RS256", "typ": "JWT", "x5t": bare64(self.sha1)}
        text = ".".join(bare64(json.dumps(part).encode()) for part in (header, claims))
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        scheme = pss if header.get("alg") == "PS256" else padding.PKCS1v15()
        return f"{text}.{bare64(self.key.sign(text.encode(), scheme, hashes.SHA256()))}"


def bare64(data):
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def payload(token):
    """The claims of a token, read without the laboratory's help."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


KEYS = [KeyPair(f"connection-{number}") for number in range(3)]


@dataclass
class Bench:
    """A laboratory without a network; ``now`` is the test's."""

    world: World
    now: float = NOON
    address: str = "198.51.100.7"
    tenant: str = ""
    app: dict = field(default_factory=dict)
    keys: list = field(default_factory=lambda: KEYS)

    def run(self, operation, **arguments):
        """Run an operation of the laboratory's operator."""
        return OPERATIONS[operation](self.world, self.now, **arguments)

    def request(self, face, method, url, *, headers=None, data=b"", address=None):
        """Send a request; a pending one is finished with every errand answered well."""
        parts = urlsplit(url)
        call = Call(
            method=method,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in (headers or {}).items()},
            body=data,
            address=address or self.address,
            now=self.now,
            base=f"{parts.scheme}://{parts.netloc}",
            id=str(uuid.uuid4()),
            target=parts.path + (f"?{parts.query}" if parts.query else ""),
        )
        reply = face(self.world, call)
        return reply.then([True] * len(reply.errands)) if isinstance(reply, Pending) else reply

    def claims(self, **changes):
        """The claims of a good client assertion."""
        url = f"{LOGIN}/{self.tenant}/oauth2/v2.0/token"
        app = self.app["app_id"]
        return {
            "aud": url,
            "iss": app,
            "sub": app,
            "jti": str(uuid.uuid4()),
            "nbf": self.now,
            "exp": self.now + 600,
        } | changes

    def ask_token(self, *, assertion=None, pair=None, tenant=None, v1=False, address=None, headers=None, **form):
        """Ask the token endpoint; returns the reply."""
        pair = pair or self.keys[0]
        fields = {
            "client_id": self.app["app_id"],
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion if assertion is not None else pair.sign(self.claims()),
            **({"resource": GRAPH} if v1 else {"scope": f"{GRAPH}/.default"}),
        } | form
        fields = {name: value for name, value in fields.items() if value is not None}
        path = "oauth2/token" if v1 else "oauth2/v2.0/token"
        url = f"{LOGIN}/{tenant or self.tenant}/{path}"
        return self.request(
            entra.answer, "POST", url, data=urlencode(fields).encode(), address=address, headers=headers
        )

    def token(self, **more):
        """Get an access token."""
        reply = self.ask_token(**more)
        assert reply.status == 200, reply.body
        return reply.document()["access_token"]

    def graph(self, method, path, token, *, json_body=None, data=b"", headers=None, address=None) -> Reply:
        """Call Graph."""
        body = json.dumps(json_body).encode() if json_body is not None else data
        headers = {"Authorization": f"Bearer {token}", **(headers or {})}
        url = f"{GRAPH}{path if path.startswith('/beta') else '/v1.0' + path}"
        return self.request(graph.answer, method, url, headers=headers, data=body, address=address)

    def add_message(self, data=MESSAGE, address="alice@contoso.example", folder="inbox"):
        """Put a message into a mailbox; returns its Graph id."""
        return self.run("add_message", address=address, mime=base64.b64encode(data).decode(), folder=folder)["id"]

    def rows(self, log):
        """The bodies of a log's rows."""
        return [row["body"] for row in self.run("rows", tenant=self.tenant, log=log)]


ROLES = [
    "Mail.ReadWrite",
    "Mail.Send",
    "MailboxSettings.ReadWrite",
    "Organization.Read.All",
    "User.Read.All",
    "AuditLog.Read.All",
    "ActivityFeed.Read",
]
