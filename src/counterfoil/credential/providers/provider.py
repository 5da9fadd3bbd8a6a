"""The interface of a key provider, and the wrapper that trusts none of them.

A reference is a URI: ``file:LABEL`` or ``pkcs11:object=LABEL``. A label is made of letters, digits,
full stops, hyphens and underscores, at most 120.
"""

import re
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric import rsa

from counterfoil.credential.algorithm import Algorithm, verifies
from counterfoil.model.errors import Misconfigured, Refused, Unavailable

Answer = TypeVar("Answer")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


@dataclass(frozen=True, slots=True)
class Protection:
    """What a provider says of itself, for ``doctor``.

    ``exportable`` says whether somebody with our rights could copy the key out; ``wrapping`` where the
    key that seals it comes from.
    """

    provider: str
    level: str
    exportable: bool
    location: str
    wrapping: str


class KeyProvider(Protocol):
    """Keeps RSA-2048 keys. Every method may raise Unavailable or Misconfigured."""

    def create(self, label: str) -> str:
        """Make a key pair that works before this returns, and return its reference; Refused if the label is taken."""
        ...

    def adopt(self, label: str, key: rsa.RSAPrivateKey) -> str:
        """Take in a key that was made elsewhere, and return its reference; Refused if the label is taken."""
        ...

    def public(self, reference: str) -> rsa.RSAPublicKey:
        """Return the public half; Refused if there is no such key."""
        ...

    def sign(self, reference: str, algorithm: Algorithm, message: bytes) -> bytes:
        """Sign a message (not a digest); Refused if there is no such key."""
        ...

    def references(self) -> list[str]:
        """Return the references of whole keys, sorted."""
        ...

    def destroy(self, reference: str) -> None:
        """Remove a key for good; one that is not there is no error."""
        ...

    def clear_halves(self) -> list[str]:
        """Remove what a crash left of keys that were never acknowledged; return the labels."""
        ...

    def describe(self) -> Protection:
        """Say how well keys are kept."""
        ...

    def close(self) -> None:
        """Let go of files, sessions and secrets."""
        ...


def checked_label(label: str) -> str:
    """Return the label.

    Raises:
        Refused: If it could mean something else to a file system or a URI.
    """
    if _LABEL.fullmatch(label) is None:
        raise Refused(f"{label!r} is no label for a key", "use letters, digits, full stops, hyphens, underscores")
    return label


class Guarded:
    """A provider behind a guard: one call at a time, each within its time, every signature verified.

    A signature that does not verify under the public key that the caller knows never gets out.

    Args:
        provider: The provider.
        seconds: How long a call may take.
    """

    def __init__(self, provider: KeyProvider, seconds: float = 10.0) -> None:
        self._provider = provider
        self._seconds = seconds
        # PKCS #11 allows one operation a session; one thread keeps that for every provider.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="key-provider")

    def create(self, label: str) -> str:
        """Make a key and see that it works."""
        return self._working(self._within(self._thread.submit(self._provider.create, checked_label(label))))

    def adopt(self, label: str, key: rsa.RSAPrivateKey) -> str:
        """Take a key in and see that it works."""
        return self._working(self._within(self._thread.submit(self._provider.adopt, checked_label(label), key)))

    def _working(self, reference: str) -> str:
        # "Object found" is not "key works": sign and verify before anybody relies on it.
        self.sign(reference, Algorithm.PS256, b"is this key whole?", self.public(reference))
        return reference

    def public(self, reference: str) -> rsa.RSAPublicKey:
        """Return the public half."""
        return self._within(self._thread.submit(self._provider.public, reference))

    def sign(self, reference: str, algorithm: Algorithm, message: bytes, public: rsa.RSAPublicKey) -> bytes:
        """Sign, and verify under ``public``.

        Raises:
            Misconfigured: If the signature does not verify.
            Unavailable: If the provider took too long or is busy with a call that did.
        """
        signature = self._within(self._thread.submit(self._provider.sign, reference, algorithm, message))
        if not verifies(public, algorithm, message, signature):
            raise Misconfigured(
                f"the key provider returned a signature for {reference} that does not verify",
                "the key was replaced or the token is faulty; take the credential out of use and see to the provider",
            )
        return signature

    def references(self) -> list[str]:
        """Return the references of whole keys."""
        return self._within(self._thread.submit(self._provider.references))

    def destroy(self, reference: str) -> None:
        """Remove a key for good."""
        self._within(self._thread.submit(self._provider.destroy, reference))

    def clear_halves(self) -> list[str]:
        """Remove what a crash left."""
        return self._within(self._thread.submit(self._provider.clear_halves))

    def describe(self) -> Protection:
        """Say how well keys are kept."""
        return self._within(self._thread.submit(self._provider.describe))

    def close(self) -> None:
        """Close the provider; a call that hangs is left behind."""
        self._thread.submit(self._provider.close)
        self._thread.shutdown(wait=False, cancel_futures=False)

    def _within(self, call: "Future[Answer]") -> Answer:
        try:
            return call.result(self._seconds)
        except TooLong as error:
            call.cancel()
            raise Unavailable(
                f"the key provider did not answer within {self._seconds:g} s",
                "see that the token is there and not overloaded; no signature left the signer",
            ) from error
