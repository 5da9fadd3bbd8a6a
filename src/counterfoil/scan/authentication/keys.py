"""Public keys of signers, as the DNS publishes them (RFC 6376 section 3.6, RFC 8301, RFC 8463)."""

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from counterfoil.model.dns import Answer, Question, RecordType, Status
from counterfoil.scan.authentication import tags
from counterfoil.scan.authentication.tags import Malformed

MIN_BITS, MAX_BITS = 1024, 4096
"""RFC 8301 section 3.2: shorter is no signature; longer is a way to keep a verifier busy."""

MAX_RECORD = 8192


class Unanswered(Exception):
    """The DNS gave no answer; another time it may."""


@dataclass(frozen=True, slots=True)
class Key:
    """A published key. ``testing`` is the owner's word that it is only a trial (``t=y``).

    ``strict`` asks that the signing identity's domain is exactly the signing domain (``t=s``).
    """

    public: RSAPublicKey | Ed25519PublicKey
    bits: int
    testing: bool
    strict: bool

    def verify(self, algorithm: str, signature: bytes, digest: bytes) -> bool:
        """Say whether a signature over a SHA-256 digest is this key's.

        Raises:
            Malformed: If the key is for another algorithm.
        """
        try:
            if isinstance(self.public, RSAPublicKey) and algorithm == "rsa-sha256":
                self.public.verify(signature, digest, padding.PKCS1v15(), Prehashed(SHA256()))
                return True
            if isinstance(self.public, Ed25519PublicKey) and algorithm == "ed25519-sha256":
                self.public.verify(signature, digest)  # RFC 8463 section 3: the digest is what is signed
                return True
        except InvalidSignature:
            return False
        raise Malformed(f"the key is not for {algorithm}")


def question(selector: str, domain: str) -> Question:
    """Return what to ask the DNS for (section 3.6.2.1)."""
    return Question(f"{selector}._domainkey.{domain}".lower(), RecordType.TXT)


def choose(answer: Answer) -> Key:
    """Read the key from an answer; of several records the first that is a key is taken.

    Raises:
        Unanswered: If there was no answer.
        Malformed: If there is no key, or it is revoked, unfit or unreadable.
    """
    if answer.status in {Status.TEMPORARY, Status.NOT_ASKED}:
        raise Unanswered("the DNS gave no answer about the key")
    if answer.status is not Status.OK or not answer.records:
        raise Malformed("no key is published")
    problem: Malformed | None = None
    for record in answer.records[:4]:
        try:
            return parse(record)
        except Malformed as error:
            problem = problem or error
    raise problem or Malformed("no key is published")


def parse(record: str) -> Key:
    """Read a key record.

    Raises:
        Malformed: If it is none, or the key is revoked, too short, too long or of an unknown kind.
    """
    if len(record) > MAX_RECORD:
        raise Malformed("the key record is out of all measure")
    found = tags.parse(record)
    if found.get("v", "DKIM1") != "DKIM1" or ("v" in found and next(iter(found)) != "v"):
        raise Malformed("the key record is of another version")
    if "p" not in found:
        raise Malformed("the key record holds no key")
    if not found["p"]:
        raise Malformed("the key is revoked")
    _check_uses(found)
    data = _data(found["p"])
    public = _load(found.get("k", "rsa").lower(), data)
    bits = public.key_size if isinstance(public, RSAPublicKey) else 256
    if isinstance(public, RSAPublicKey) and not MIN_BITS <= bits <= MAX_BITS:
        raise Malformed(f"a key of {bits} bits is not accepted (RFC 8301)")
    flags = _list(found.get("t", ""))
    return Key(public, bits, "y" in flags, "s" in flags)


def _check_uses(found: dict[str, str]) -> None:
    if not {"*", "email"} & _list(found.get("s", "*")):
        raise Malformed("the key is not for email")
    if "h" in found and "sha256" not in _list(found["h"]):
        raise Malformed("the key is not for SHA-256")


def _list(text: str) -> set[str]:
    return {item.strip().lower() for item in text.split(":")}


def _data(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("the key is no base64") from None


def _load(kind: str, data: bytes) -> RSAPublicKey | Ed25519PublicKey:
    try:
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(data)
        public = load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise Malformed("the key cannot be read") from None
    if kind != "rsa" or not isinstance(public, RSAPublicKey):
        raise Malformed(f"keys of the kind {kind[:20]!r} are not known")
    return public
