"""Passwords: kept as scrypt (RFC 7914) with a salt of their own, compared in constant time.

The cost is OWASP's for scrypt (N = 2^17 would be 128 MiB a try; N = 2^15, r = 8, p = 3 is its equal in work
with 32 MiB), so that a few tries at once do not take the memory that mail needs.
"""

import base64
import hashlib
import hmac
import secrets

from counterfoil.model.errors import Refused

LEAST = 12
MOST = 1024
_N, _R, _P = 2**15, 8, 3
_MEMORY = 128 * _N * _R + 2**20


def check_strength(password: str, name: str) -> None:
    """See that a password is worth keeping (NIST SP 800-63B 3.1.1: length, not classes of characters).

    Raises:
        Refused: If it is short, longer than a form takes, the account's own name, or one character over and over.
    """
    if not LEAST <= len(password) <= MOST:
        raise Refused(f"a password has {LEAST} to {MOST} characters", "four or five words that nobody would expect")
    if name.casefold() in password.casefold() and len(password) < len(name) + LEAST:
        raise Refused("the password is mostly the account's name", "four or five words that nobody would expect")
    if len(set(password)) < 5:
        raise Refused("the password is the same few characters", "four or five words that nobody would expect")


def sealed(password: str) -> str:
    """Return what is kept of a password."""
    salt = secrets.token_bytes(16)
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(_derive(password, salt, _N, _R, _P))}"


def fits(password: str, kept: str) -> bool:
    """Say whether it is the password; the work is the same whatever the answer."""
    _, n, r, p, salt, digest = kept.split("$")
    wanted = base64.b64decode(digest)
    return hmac.compare_digest(_derive(password, base64.b64decode(salt), int(n), int(r), int(p)), wanted)


def new_password() -> str:
    """Make a password that nobody can guess: 120 random bits."""
    return secrets.token_urlsafe(15)


NOBODY = f"scrypt${_N}${_R}${_P}${base64.b64encode(bytes(16)).decode()}${base64.b64encode(bytes(32)).decode()}"
"""Stands for the account that is not there, so that a try on it takes as long as any other."""


def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # What a form cannot spell in UTF-8 is refused by nobody and fits nothing.
    octets = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(octets, salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=32)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
