"""The signer's signature on its own stubs: Ed25519 over the canonical octets without the signature. Pure."""

import base64
from dataclasses import replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from counterfoil.ledger.note import NoteError, VerifierKey, strict_base64
from counterfoil.ledger.stubs import canonical
from counterfoil.model.errors import Refused
from counterfoil.model.trust import Stub

_CONTEXT = b"counterfoil stub v1\n"
"""Keeps a signature on a stub from ever being one on something else."""


def _message(stub: Stub) -> bytes:
    return _CONTEXT + canonical(replace(stub, body={k: v for k, v in stub.body.items() if k != "signature"}))


def sign_stub(stub: Stub, name: str, key: Ed25519PrivateKey) -> Stub:
    """Return the stub with ``signer`` and ``signature`` in its body."""
    verifier = VerifierKey(name, key.public_key().public_bytes_raw())
    named = replace(stub, body={**stub.body, "signer": str(verifier)})
    signature = base64.b64encode(key.sign(_message(named))).decode()
    return replace(named, body={**named.body, "signature": signature})


def verify_stub(stub: Stub) -> VerifierKey:
    """See that a stub is signed by the key that it names, and return that key; whether to trust it is not said.

    Raises:
        Refused: If it is not.
    """
    try:
        key = VerifierKey.parse(str(stub.body.get("signer", "")))
        signature = strict_base64(str(stub.body.get("signature", "")))
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, _message(stub))
    except (NoteError, InvalidSignature) as error:
        raise Refused(f"the {stub.kind} stub was not signed by the signer that it names: {error}") from error
    return key
