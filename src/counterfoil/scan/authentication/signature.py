"""One signature over a message, as DKIM-Signature and ARC-Message-Signature carry it (RFC 6376 section 3.5)."""

import hashlib
from collections import Counter
from dataclasses import dataclass

from counterfoil.scan.authentication import canonical, tags
from counterfoil.scan.authentication.canonical import RELAXED, SIMPLE, Field, Message
from counterfoil.scan.authentication.keys import Key
from counterfoil.scan.authentication.spf import is_domain
from counterfoil.scan.authentication.tags import Malformed

ALGORITHMS = frozenset({"rsa-sha256", "ed25519-sha256"})
"""RFC 8301 section 3.1: a signature by rsa-sha1 is none."""

MAX_NAMES = 1000
MAX_FIELD = 64 * 1024

# Fields that occur once (RFC 5322 section 3.6, RFC 2045): a second one that the signature does not cover is
# what a reader may be shown instead of the signed one (RFC 6376 section 8.15).
SINGLE = (
    *("from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references"),
    *("content-type", "content-transfer-encoding", "content-disposition"),
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What one signature says of itself.

    ``identity`` is the domain of its ``i=``; ``length`` is its ``l=``, ``None`` for the whole body.
    """

    field: Field
    algorithm: str
    domain: str
    selector: str
    identity: str
    names: tuple[str, ...]
    header_form: str
    body_form: str
    body_hash: bytes
    signature: bytes
    length: int | None


def read(field: Field, found: dict[str, str], *, form: str = "simple/simple") -> Signature:
    """Make a signature of its tags; ``form`` is what its ``c=`` is where it has none.

    Raises:
        Malformed: If one that is needed is missing or makes no sense.
    """
    tags.required(found, "a", "b", "bh", "d", "s")
    if "h" not in found:
        raise Malformed("h= is missing")
    if len(field.raw) > MAX_FIELD:
        raise Malformed("the signature is out of all measure")
    if found["a"].lower() not in ALGORITHMS:
        raise Malformed(f"signatures by {found['a'][:20]!r} are not accepted (RFC 8301)")
    header_form, _, body_form = found.get("c", form).lower().partition("/")
    body_form = body_form or SIMPLE
    if {header_form, body_form} - {SIMPLE, RELAXED}:
        raise Malformed("c= names an unknown canonical form")
    domain, selector = domain_and_selector(found)
    names = tuple(name.strip(" \t\r\n").lower() for name in found["h"].split(":"))
    if len(names) > MAX_NAMES:
        raise Malformed(f"more than {MAX_NAMES} header fields are signed")
    return Signature(
        field=field,
        algorithm=found["a"].lower(),
        domain=domain,
        selector=selector,
        identity=found.get("i", f"@{domain}").rpartition("@")[2].lower(),
        names=names,
        header_form=header_form,
        body_form=body_form,
        body_hash=tags.octets(found, "bh"),
        signature=tags.octets(found, "b"),
        length=tags.number(found, "l"),
    )


def domain_and_selector(found: dict[str, str]) -> tuple[str, str]:
    """Read ``d=`` and ``s=``, which make a name to ask the DNS for.

    Raises:
        Malformed: If they make none.
    """
    domain, selector = found["d"].lower(), found["s"].lower()
    if not is_domain(domain) or not is_domain(f"{selector}._domainkey.{domain}"):
        raise Malformed("d= and s= make no domain")
    return domain, selector


class Bodies:
    """The digests of a message's body, each computed once however many signatures ask for it."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._forms: dict[str, bytes] = {}
        self._digests: dict[tuple[str, int | None], bytes] = {}

    def form(self, form: str) -> bytes:
        """Return the body in a canonical form."""
        if form not in self._forms:
            self._forms[form] = canonical.body(self._message.body, form)
        return self._forms[form]

    def digest(self, form: str, length: int | None) -> bytes:
        """Return the SHA-256 of the body's first ``length`` octets in a canonical form."""
        if (form, length) not in self._digests:
            self._digests[form, length] = hashlib.sha256(memoryview(self.form(form))[:length]).digest()
        return self._digests[form, length]


def body_problem(signature: Signature, bodies: Bodies) -> str | None:
    """Say what is wrong with the body hash, or ``None``."""
    if signature.length is not None and signature.length > len(bodies.form(signature.body_form)):
        return "the body is shorter than what was signed"
    if bodies.digest(signature.body_form, signature.length) != signature.body_hash:
        return "the body is not what was signed"
    return None


def header_holds(signature: Signature, message: Message, key: Key) -> bool:
    """Say whether the key made the signature over the header fields.

    Raises:
        Malformed: If the key is for another algorithm.
    """
    data = canonical.signed_header(message, signature.names, signature.field, signature.header_form)
    return key.verify(signature.algorithm, signature.signature, hashlib.sha256(data).digest())


def gap(signature: Signature, message: Message, bodies: Bodies) -> str | None:
    """Say what a reader may be shown that the signature does not cover, or ``None`` (section 8)."""
    if signature.length is not None and signature.length < len(bodies.form(signature.body_form)):
        return f"only the first {signature.length} octets of the body are signed"
    covered = Counter(signature.names)
    there = Counter(one.name for one in message.fields)
    for name in SINGLE:
        if 0 < covered[name] < there[name]:
            return f"there are {there[name]} {name} fields, and {covered[name]} are signed"
    return None
