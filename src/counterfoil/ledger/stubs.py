"""The closed set of stub kinds, and the one spelling of a stub as bytes.

The bytes are RFC 8785 (JSON Canonicalization Scheme) of the flat exchange object: ``kind``, ``time``,
``tenant`` and the keys of the body; a key whose value is null is left out, so that absent and null are
one. Numbers are integers of at most 53 bits, since other numbers have more than one spelling.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from counterfoil.model.errors import Refused
from counterfoil.model.instant import from_rfc3339, rfc3339
from counterfoil.model.mail import Json, Outcome
from counterfoil.model.trust import CredentialState, Stub

ENTRY_VERSION: Final = b"\x01"
"""First octet of a ledger entry; the rest is SHA-256(salt || canonical stub)."""

REASONS: Final = frozenset(
    {
        "remediate",  # pull back mail that turned out bad
        "scan-internal",  # read mail that did not pass the gateway
        "recover",  # bring back deleted mail
        "heartbeat",  # prove coverage, see that mail still flows
        "collect-logs",  # read the tenant's logs
        "verify",  # see by real use that a credential works and what was granted
        "rotate",  # publish, verify or remove a credential
        "prove-dead",  # see that an old credential is refused
        "inspect",  # list credentials, consents, subscriptions, rules
        "contain",  # a named operator ends a theft
        "drill",
        "operator",  # somebody asked for it by hand
    }
)
"""Why a job may use a credential."""

SIGNER_KINDS: Final = frozenset({"assertion", "proof", "certificate", "death-test", "mark"})
"""Kinds that only the signer writes, signs and counts."""

USE_KINDS: Final = SIGNER_KINDS | {"token", "call"}
"""Kinds that say that a credential was used: without its stub a use of ours looks like somebody else's."""

_TEXT, _NUMBER, _FLAG, _LIST, _OBJECT = str, int, bool, list, dict
_CREDENTIAL = {"app": _TEXT, "thumbprint_sha1": _TEXT, "thumbprint_sha256": _TEXT, "key_id": _TEXT}
_SIGNED = {"signer": _TEXT, "sequence": _NUMBER, "counter": _NUMBER, "signature": _TEXT, "credential": _TEXT}

FIELDS: Final[Mapping[str, Mapping[str, type]]] = {
    # the exchange form, for any program that keeps stubs
    "tenant": {"name": _TEXT, "connected": _FLAG, "roles": _LIST},
    "credential": {**_CREDENTIAL, "state": _TEXT, "credential": _TEXT},
    "job": {"id": _TEXT, "reason": _TEXT, "subject": _TEXT},
    "token": {
        **_CREDENTIAL,
        "audience": _TEXT,
        "jti": _TEXT,
        "correlation_id": _TEXT,
        "request_id": _TEXT,
        "uti": _TEXT,
        "job": _TEXT,
        "outcome": _TEXT,
        "error": _TEXT,
    },
    "call": {
        "app": _TEXT,
        "uti": _TEXT,
        "client_request_id": _TEXT,
        "method": _TEXT,
        "resource": _TEXT,
        "mailbox": _TEXT,
        "message_ids": _LIST,
        "effect": _TEXT,
        "job": _TEXT,
        "status": _NUMBER,
    },
    # written and signed by the signer
    "assertion": {
        **_SIGNED,
        **_CREDENTIAL,
        "audience": _TEXT,
        "jti": _TEXT,
        "alg": _TEXT,
        "job": _TEXT,
        "expires": _TEXT,
    },
    "proof": {**_SIGNED, **_CREDENTIAL, "object": _TEXT, "alg": _TEXT, "job": _TEXT, "expires": _TEXT},
    "certificate": {
        **_SIGNED,
        **_CREDENTIAL,
        "generation": _NUMBER,
        "key": _TEXT,
        "not_before": _TEXT,
        "not_after": _TEXT,
    },
    "death-test": {
        **_SIGNED,
        **_CREDENTIAL,
        "audience": _TEXT,
        "jti": _TEXT,
        "alg": _TEXT,
        "job": _TEXT,
        "expires": _TEXT,
    },
    "mark": {**_SIGNED, **_CREDENTIAL, "state": _TEXT},
    # mail
    "message": {
        "id": _TEXT,
        "sha256": _TEXT,
        "size": _NUMBER,
        "via": _TEXT,
        "direction": _TEXT,
        "sender": _TEXT,
        "recipients": _LIST,
        "client": _TEXT,
        "next_hop": _TEXT,
    },
    "disposition": {
        "id": _TEXT,
        "outcome": _TEXT,
        "words": _TEXT,
        "verdict": _TEXT,
        "action": _TEXT,
        "reasons": _LIST,
        "recipients": _LIST,
        "actor": _TEXT,
    },
    # an operator did something
    "action": {"actor": _TEXT, "action": _TEXT, "subject": _TEXT, "detail": _OBJECT},
    # the ledger knows that it lacks stubs between two points in time
    "gap": {"first": _NUMBER, "last": _NUMBER, "since": _TEXT, "until": _TEXT, "reason": _TEXT},
}
"""Every kind with its fields and their JSON types; further keys are kept, absent ones are null."""

_SIGNED_NEED = ("signer", "sequence", "counter", "signature", "credential")
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "tenant": (),
    "credential": ("app", "state"),
    "job": ("id", "reason"),
    "token": ("app", "jti", "correlation_id", "outcome"),
    "call": ("app", "client_request_id", "job"),
    "assertion": (*_SIGNED_NEED, "app", "audience", "jti", "job"),
    "proof": (*_SIGNED_NEED, "app", "object", "job"),
    "certificate": (*_SIGNED_NEED, "app", "generation"),
    "death-test": (*_SIGNED_NEED, "app", "audience", "jti", "job"),
    "mark": (*_SIGNED_NEED, "app", "state"),
    "message": ("id",),
    "disposition": ("id", "outcome"),
    "action": ("actor", "action"),
    "gap": ("since", "until", "reason"),
}
_NEEDS_TENANT = frozenset(FIELDS) - {"job", "message", "disposition", "action", "gap"}
_ONE_OF: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("job", "reason"): REASONS,
    ("token", "outcome"): frozenset({"issued", "refused", "unknown"}),
    ("call", "effect"): frozenset({"read", "change", "none"}),
    ("disposition", "outcome"): frozenset(Outcome),
    ("credential", "state"): frozenset(CredentialState),
    ("mark", "state"): frozenset(CredentialState),
}
_CHOICES: Final = frozenset(name for _, name in _ONE_OF)
_SUBJECT: Final[Mapping[str, str]] = {
    "job": "id",
    "token": "jti",
    "assertion": "jti",
    "death-test": "jti",
    "call": "client_request_id",
    "message": "id",
    "disposition": "id",
    "action": "subject",
    "credential": "thumbprint_sha256",
    "certificate": "thumbprint_sha256",
    "mark": "thumbprint_sha256",
}
# A value within itself has been met before the encoder sees it: looking at its keys does not end.
_SORTING = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True)
_PLAIN = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
_RESERVED = frozenset({"kind", "time", "tenant"})


def subject_of(stub: Stub) -> str | None:
    """Return the id by which stubs of one thing are found together: message id, jti, request id, thumbprint."""
    value = stub.body.get(_SUBJECT.get(stub.kind, ""))
    return value if isinstance(value, str) else None


def check(stub: Stub) -> None:
    """See that a stub is of a kind we know and has what its kind needs.

    Raises:
        Refused: If not; the message names the field.
    """
    fields = FIELDS.get(stub.kind)
    if fields is None:
        raise Refused(f"{stub.kind!r} is no kind of stub", f"the kinds are {', '.join(FIELDS)}")
    if stub.kind in _NEEDS_TENANT and not stub.tenant:
        raise Refused(f"a stub of kind {stub.kind} needs a tenant")
    if reserved := _RESERVED & stub.body.keys():
        raise Refused(f"the body of a stub has no {', '.join(sorted(reserved))} of its own")
    if absent := [name for name in _REQUIRED[stub.kind] if stub.body.get(name) is None]:
        raise Refused(f"a stub of kind {stub.kind} needs {', '.join(absent)}")
    for name, value in stub.body.items():
        if value is None:
            continue
        expected = fields.get(name)
        if expected is not None and value.__class__ is not expected and not _is(value, expected):
            raise Refused(f"{stub.kind}.{name} is {type(value).__name__}, not {expected.__name__}")
        allowed = _ONE_OF.get((stub.kind, name)) if name in _CHOICES else None
        if allowed is not None and value not in allowed:
            raise Refused(f"{stub.kind}.{name} is {value!r}, not one of {', '.join(sorted(allowed))}")


def _is(value: Json, expected: type) -> bool:
    if expected is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, expected)


def flat(stub: Stub) -> dict[str, Json]:
    """Return the stub as one flat object, without the keys that are null."""
    document: dict[str, Json] = {"kind": stub.kind, "time": rfc3339(stub.time)}
    if stub.tenant is not None:
        document["tenant"] = stub.tenant
    document.update({key: value for key, value in stub.body.items() if value is not None})
    return document


def canonical(stub: Stub) -> bytes:
    """Spell a stub as its one sequence of octets (RFC 8785).

    Raises:
        Refused: If the body holds what has no single spelling: a fraction, a huge number, half a surrogate pair.
    """
    return canonical_json(flat(stub))


def canonical_json(value: Json) -> bytes:
    """Spell JSON as RFC 8785 does, for the values that we allow.

    Raises:
        Refused: See ``canonical``.
    """
    try:
        # The encoder sorts by code point; RFC 8785 section 3.2.3 by UTF-16 code unit. For ASCII keys that is one.
        text = _SORTING.encode(value) if _only_ascii_keys(value) else _PLAIN.encode(_ordered(value))
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Refused("a stub holds half a surrogate pair, which no UTF-8 can spell") from error


def _only_ascii_keys(value: Json) -> bool:
    """Say whether all keys are ASCII, and refuse what has no single spelling."""
    if isinstance(value, str) or value is None:
        return True
    if isinstance(value, dict):
        # Lists, not generators: every value is looked at, even behind one that settles the answer. Most are text.
        inside = [_only_ascii_keys(item) for item in value.values() if item.__class__ is not str]
        return all(inside) and all(map(str.isascii, value))
    if isinstance(value, list | tuple):
        inside = [_only_ascii_keys(item) for item in value]
        return all(inside)
    if isinstance(value, float):
        raise Refused(f"a stub holds the fraction {value!r}; spell it as text or as an integer of a smaller unit")
    if abs(value) > 2**53 - 1:
        raise Refused(f"a stub holds the number {value}; spell numbers beyond 53 bits as text")
    return True


def _ordered(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value


def read(octets: bytes) -> Stub:
    """Read back what ``canonical`` wrote.

    Raises:
        ValueError: If the octets are no canonical stub.
    """
    document: Any = json.loads(octets)
    if not isinstance(document, dict) or canonical_json(document) != octets:
        message = "not the canonical spelling of a stub"
        raise ValueError(message)
    kind, time, tenant = document.pop("kind"), document.pop("time"), document.pop("tenant", None)
    return Stub(kind, from_rfc3339(time), tenant, document)


def entry_of(salt: bytes, octets: bytes) -> bytes:
    """Return the ledger entry (33 octets) that commits to a stub and reveals nothing of it without the salt."""
    return ENTRY_VERSION + hashlib.sha256(salt + octets).digest()


def stub_at(kind: str, time: datetime, tenant: str | None = None, **body: Json) -> Stub:
    """Make a stub and check it."""
    stub = Stub(kind, time, tenant, body)
    check(stub)
    return stub
