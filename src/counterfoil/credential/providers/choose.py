"""Choose a provider by URI: ``file:`` or ``pkcs11:token=LABEL?module-path=LIBRARY&pin-source=file:PATH``."""

from pathlib import Path
from urllib.parse import parse_qs, unquote

from counterfoil.credential.providers.provider import KeyProvider
from counterfoil.credential.providers.sealed import SealedFiles
from counterfoil.credential.providers.wrapping import Wrapping
from counterfoil.model.errors import Misconfigured


def open_provider(uri: str, home: Path, wrapping: Wrapping) -> KeyProvider:
    """Open the provider that a URI names; ``file:`` keys lie in ``home/keys`` unless the URI says where.

    Raises:
        Misconfigured: If the URI is not understood, or the provider cannot be used.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "file":
        return SealedFiles(Path(rest) if rest else home / "keys", wrapping)
    if scheme == "pkcs11":
        return _token(uri, rest)
    raise Misconfigured(f"no key provider for {uri!r}", "use file: or pkcs11:token=…?module-path=…&pin-source=file:…")


def _token(uri: str, rest: str) -> KeyProvider:
    path, _, query = rest.partition("?")
    named = dict(part.partition("=")[::2] for part in path.split(";"))
    asked = parse_qs(query)
    try:
        module, pin_source = asked["module-path"][0], asked["pin-source"][0]
        label = unquote(named["token"])
    except KeyError as error:
        raise Misconfigured(
            f"{uri!r} lacks {error}", "pkcs11:token=…?module-path=…&pin-source=file:… (RFC 7512)"
        ) from error
    try:
        # The library is an extra: a gateway without a token need not have it.
        from counterfoil.credential.providers.token import Token  # noqa: PLC0415 - optional
    except ImportError as error:
        raise Misconfigured("python-pkcs11 is not installed", "pip install 'counterfoil[pkcs11]'") from error
    try:
        pin = Path(pin_source.removeprefix("file:")).read_text("utf-8").strip()
    except OSError as error:
        raise Misconfigured(
            f"the PIN cannot be read: {error}", "point pin-source at a 0600 file with the PIN"
        ) from error
    return Token(module, label, pin)
