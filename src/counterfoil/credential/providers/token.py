"""``pkcs11:`` keys (RFC 7512 URIs): made in the token, sensitive, not extractable. Tested against SoftHSM2.

SoftHSM2 is a software stand-in for a hardware module; the same calls drive a real one.
"""

from collections import defaultdict
from typing import Any
from urllib.parse import unquote

import pkcs11
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pkcs11.util.rsa import decode_rsa_private_key

from counterfoil.credential.algorithm import Algorithm
from counterfoil.credential.providers.provider import Protection, checked_label
from counterfoil.model.errors import Misconfigured, Refused, Unavailable

_SCHEME = "pkcs11:object="
_PRIVATE, _PUBLIC = pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.ObjectClass.PUBLIC_KEY
_WRONG_PIN = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinLocked, pkcs11.PinExpired)
_GONE = (pkcs11.NoSuchToken, pkcs11.TokenNotPresent, pkcs11.DeviceRemoved, pkcs11.SlotIDInvalid)
_FAULTY = (pkcs11.GeneralError, pkcs11.DeviceError, pkcs11.FunctionFailed, pkcs11.SessionHandleInvalid)

_EPOCHS: defaultdict[str, int] = defaultdict(int)
"""How often the library of a module was initialised anew in this process."""


class Token:
    """One PKCS #11 token, logged in as its user.

    Args:
        module: Path of the PKCS #11 library.
        label: The token's label.
        pin: The user's PIN.
    """

    def __init__(self, module: str, label: str, pin: str) -> None:
        self._module, self._label, self._pin = module, label, pin
        self._session: Any = None
        self._kept: dict[str, Any] = {}
        self._epoch = _EPOCHS[module]
        self._in()

    def _in(self) -> Any:
        """Return the session, logging in anew after the token was away."""
        if self._epoch != _EPOCHS[self._module]:
            # Its number may by now be that of a session on another token: it is dropped, not closed.
            self._session, self._epoch = None, _EPOCHS[self._module]
            self._kept.clear()
        if self._session is None:
            try:
                self._session = self._log_in(pkcs11.lib(self._module))
            except _WRONG_PIN as error:
                raise Misconfigured(
                    f"the token {self._label} does not take the PIN ({type(error).__name__})",
                    "correct the PIN source before trying again: tokens lock after a few wrong ones",
                ) from error
            except _GONE as error:
                raise self._gone() from error
            except _FAULTY as error:
                raise self._failed("does not work", error) from error
            except (pkcs11.PKCS11Error, RuntimeError) as error:
                raise Misconfigured(
                    f"the PKCS #11 module {self._module} cannot be used: {type(error).__name__} {error}",
                    "see that module-path names the right library and that the token is initialised",
                ) from error
        return self._session

    def _log_in(self, library: Any) -> Any:
        try:
            return self._open(library)
        except (*_GONE, *_FAULTY):
            self._anew(library)
            return self._open(library)

    def _anew(self, library: Any) -> None:
        """Initialise the library anew: a token that was taken out or put in since shows only then.

        Sessions on all tokens of it end with that; each provider of ours logs in again at its next call.
        """
        _EPOCHS[self._module] += 1
        self._session, self._epoch = None, _EPOCHS[self._module]
        self._kept.clear()
        library.reinitialize()

    def _open(self, library: Any) -> Any:
        token = library.get_token(token_label=self._label)
        try:
            return token.open(rw=True, user_pin=self._pin)
        except pkcs11.UserAlreadyLoggedIn:
            # A login is the whole process's (PKCS #11 section 5.6): another session of ours made it.
            return token.open(rw=True)

    def _gone(self) -> Unavailable:
        self.close()
        return Unavailable(f"the token {self._label} is not there", "put the token back; no signature left the signer")

    def create(self, label: str) -> str:
        """Make an RSA-2048 key pair in the token."""
        self._free(label)
        same = {pkcs11.Attribute.ID: label.encode()}
        try:
            # If we die inside, one half may be in the token; ``clear_halves`` finds and removes it.
            self._in().generate_keypair(
                pkcs11.KeyType.RSA,
                2048,
                store=True,
                label=label,
                id=label.encode(),
                public_template=same,
                private_template={
                    **same,
                    pkcs11.Attribute.SENSITIVE: True,
                    pkcs11.Attribute.EXTRACTABLE: False,
                    pkcs11.Attribute.DECRYPT: False,
                    pkcs11.Attribute.UNWRAP: False,
                    pkcs11.Attribute.SIGN: True,
                },
            )
        except pkcs11.PKCS11Error as error:
            raise self._failed("could not make a key", error) from error
        return _SCHEME + label

    def adopt(self, label: str, key: rsa.RSAPrivateKey) -> str:
        """Put a key into the token that was made elsewhere; from then on it does not come out."""
        self._free(label)
        common = {pkcs11.Attribute.TOKEN: True, pkcs11.Attribute.LABEL: label, pkcs11.Attribute.ID: label.encode()}
        numbers = key.public_key().public_numbers()
        public = {
            pkcs11.Attribute.CLASS: _PUBLIC,
            pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.RSA,
            pkcs11.Attribute.MODULUS: numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"),
            pkcs11.Attribute.PUBLIC_EXPONENT: numbers.e.to_bytes(3, "big"),
            pkcs11.Attribute.VERIFY: True,
        }
        octets = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        private = decode_rsa_private_key(octets, pkcs11.MechanismFlag.SIGN)
        kept = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.PRIVATE: True}
        try:
            self._in().create_object(public | common)
            # If we die here, the public half stands alone; ``clear_halves`` removes it.
            self._in().create_object(private | kept | common)
        except pkcs11.PKCS11Error as error:
            raise self._failed("could not take the key in", error) from error
        return _SCHEME + label

    def _free(self, label: str) -> None:
        if self._find(_PRIVATE, checked_label(label)) or self._find(_PUBLIC, label):
            raise Refused(f"there is a key {label} already", "every key has a label of its own")

    def public(self, reference: str) -> rsa.RSAPublicKey:
        """Return the public half."""
        found = self._surely(_PUBLIC, self._label_in(reference))
        if not found:
            raise Refused(f"there is no key {reference}")
        n, e = (
            int.from_bytes(found[0][a], "big") for a in (pkcs11.Attribute.MODULUS, pkcs11.Attribute.PUBLIC_EXPONENT)
        )
        return rsa.RSAPublicNumbers(e, n).public_key()

    def sign(self, reference: str, algorithm: Algorithm, message: bytes) -> bytes:
        """Sign in the token."""
        label = self._label_in(reference)
        self._in()
        if label not in self._kept:
            found = self._surely(_PRIVATE, label)
            if not found:
                raise Refused(f"there is no key {reference}")
            self._kept[label] = found[0]
        try:
            if algorithm is Algorithm.RS256:
                return bytes(self._kept[label].sign(message, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
            salted = (pkcs11.Mechanism.SHA256, pkcs11.MGF.SHA256, 32)
            mechanism = pkcs11.Mechanism.SHA256_RSA_PKCS_PSS
            return bytes(self._kept[label].sign(message, mechanism=mechanism, mechanism_param=salted))
        except pkcs11.PKCS11Error as error:
            raise self._failed("could not sign", error) from error

    def references(self) -> list[str]:
        """Return the references of keys of which both halves are there."""
        halves = [{self._name(found) for found in self._find(kind)} for kind in (_PRIVATE, _PUBLIC)]
        return sorted(_SCHEME + label for label in halves[0] & halves[1] if label)

    def destroy(self, reference: str) -> None:
        """Remove both halves."""
        label = self._label_in(reference)
        self._kept.pop(label, None)
        # Private half first: if we die between, what is left cannot sign, and is cleared as a half.
        for found in [*self._surely(_PRIVATE, label), *self._find(_PUBLIC, label)]:
            found.destroy()

    def clear_halves(self) -> list[str]:
        """Remove halves, and objects that are there and cannot be read, which a crash can leave too."""
        whole = {self._label_in(reference) for reference in self.references()}
        cleared = set()
        for found in [*self._find(_PRIVATE), *self._find(_PUBLIC)]:
            label = self._name(found)
            if label not in whole:
                found.destroy()
                cleared.add(label)
        return sorted(cleared)

    def describe(self) -> Protection:
        """Say how well keys are kept."""
        level = "PKCS #11 token, sensitive, not extractable"
        return Protection("pkcs11", level, exportable=False, location=f"token {self._label}", wrapping="pin")

    def close(self) -> None:
        """Log out."""
        self._kept.clear()
        if self._session is not None:
            session, self._session = self._session, None
            try:
                session.close()
            except pkcs11.PKCS11Error:
                # A token that is gone has closed its sessions by itself.
                return

    def _find(self, kind: pkcs11.ObjectClass, label: str | None = None) -> list[Any]:
        wanted: dict[pkcs11.Attribute, Any] = {pkcs11.Attribute.CLASS: kind}
        if label is not None:
            wanted[pkcs11.Attribute.LABEL] = label
        try:
            # Exhausted at once: a search left open makes every other call fail with OperationActive.
            return list(self._in().get_objects(wanted))
        except pkcs11.PKCS11Error as error:
            raise self._failed("could not be searched", error) from error

    def _surely(self, kind: pkcs11.ObjectClass, label: str) -> list[Any]:
        """Find a half of a key; that there is none is believed only of a token that is seen to be there."""
        found = self._find(kind, label)
        if not found:
            self._anew(pkcs11.lib(self._module))  # one that is away looks empty to a session of before
            found = self._find(kind, label)
        return found

    def _name(self, found: Any) -> str:
        try:
            return str(found[pkcs11.Attribute.LABEL])
        except pkcs11.PKCS11Error:
            return ""  # there and not readable: half of something

    def _label_in(self, reference: str) -> str:
        if not reference.startswith(_SCHEME):
            raise Refused(f"{reference} is no pkcs11: key of ours")
        return checked_label(unquote(reference.removeprefix(_SCHEME)))

    def _failed(self, what: str, error: pkcs11.PKCS11Error) -> Unavailable:
        if isinstance(error, _GONE):
            return self._gone()
        self.close()
        return Unavailable(
            f"the token {self._label} {what}: {type(error).__name__}", "see to the token, then try again"
        )
