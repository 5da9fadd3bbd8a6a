"""SPF, RFC 7208: may this host send for that domain? A generator that yields DNS questions."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.model.dns import Answer, Asking, Question, RecordType, Status
from counterfoil.model.mail import NOT_CHECKED, Envelope
from counterfoil.scan.authentication import spf_macro
from counterfoil.scan.authentication.spf_record import Directive, Kind, Network, PermError, is_record, parse

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_TERMS = 10
MAX_VOID = 2
"""Section 4.6.4: terms that ask, look-ups that find nothing."""


class TempError(Exception):
    """The DNS did not answer (section 2.6.6)."""


@dataclass(frozen=True, slots=True)
class Spf:
    """A result in RFC 8601's words, the identity it is about, its domain, and why."""

    result: str
    identity: str
    domain: str
    reason: str = ""


@dataclass(slots=True)
class _Session:
    """What one check counts, and what its macros may need."""

    address: Address
    sender: str
    helo: str
    terms: int = 0
    void: int = 0

    def count_term(self) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise PermError(f"more than {MAX_TERMS} terms ask the DNS")


def check(envelope: Envelope) -> Asking[Spf]:
    """Check the MAIL FROM identity, or for the null sender the HELO identity (section 2.4).

    The result is ``not-checked`` where the client's address is not known.
    """
    if not envelope.sender:
        return (yield from check_helo(envelope))
    local, _, domain = envelope.sender.rpartition("@")
    return (yield from _check(envelope, "mailfrom", local, domain))


def check_helo(envelope: Envelope) -> Asking[Spf]:
    """Check the HELO identity alone (section 2.3): whether the host may call itself that."""
    return (yield from _check(envelope, "helo", "", envelope.helo.rstrip(".")))


def _check(envelope: Envelope, identity: str, local: str, domain: str) -> Asking[Spf]:
    try:
        address = _address(envelope.client_address)
    except ValueError:
        return Spf(NOT_CHECKED, identity, domain, "the client's address is not known")
    session = _Session(address, f"{local or 'postmaster'}@{domain}", envelope.helo.rstrip("."))
    try:
        result, reason = yield from _check_host(session, domain)
    except PermError as error:
        result, reason = "permerror", str(error)
    except TempError as error:
        result, reason = "temperror", str(error)
    return Spf(result, identity, domain.lower().rstrip("."), reason)


def _check_host(session: _Session, domain: str) -> Asking[tuple[str, str]]:
    """Evaluate one domain's record (section 4); returns the result and what decided it."""
    domain = domain.removesuffix(".").lower()
    # 1. Section 4.3: initial processing.
    if not is_domain(domain):
        return "none", "there is no domain to ask about"
    # 2. Sections 4.4 and 4.5: find the one record.
    (answer,) = yield (Question(domain, RecordType.TXT),)
    records = [text for text in _records(answer) if is_record(text)]
    if not records:
        return "none", f"{domain} publishes no record"
    if len(records) > 1:
        raise PermError(f"{domain} publishes several records")
    # 3. Section 4.6: all of it must be well-formed before any of it counts.
    record = parse(records[0])
    # 4. Section 4.6.2: the first mechanism that matches decides.
    for directive in record.directives:
        if (yield from _matches(session, domain, directive)):
            return directive.result, f"{directive.kind} of {domain} matches"
    # 5. Section 6.1: redirect, only where nothing matched.
    if record.redirect is None:
        return "neutral", f"nothing in the record of {domain} matches"
    session.count_term()
    target = yield from _expand(session, domain, record.redirect)
    result, reason = yield from _check_host(session, target)
    if result == "none":
        raise PermError(f"{domain} redirects to where no record is")
    return result, reason


def _matches(session: _Session, domain: str, directive: Directive) -> Asking[bool]:
    if directive.kind is Kind.ALL:
        return True
    if directive.network is not None:
        return session.address in directive.network
    session.count_term()
    target = domain
    if directive.target:
        target = yield from _expand(session, domain, directive.target)
    return (yield from ASKING[directive.kind](session, target, directive))


def _include(session: _Session, target: str, _directive: Directive) -> Asking[bool]:
    """Section 5.2: only a pass of the other record matches; an error there is an error here."""
    result, _ = yield from _check_host(session, target)
    if result == "none":
        raise PermError(f"{target[:100]} is included and publishes no record")
    return result == "pass"


def _host(session: _Session, target: str, directive: Directive) -> Asking[bool]:
    """Section 5.3: an address of that name is the client's."""
    return (yield from _any_host(session, (target,), directive))


def _exchanger(session: _Session, target: str, directive: Directive) -> Asking[bool]:
    """Section 5.4: an address of a mail exchanger of that name is the client's."""
    (exchangers,) = yield from _look_up(session, (Question(target, RecordType.MX),))
    if len(exchangers) > spf_macro.MAX_NAMES:
        raise PermError(f"{target[:100]} has more than {spf_macro.MAX_NAMES} MX records")
    names = tuple(text.partition(" ")[2].rstrip(".").lower() for text in exchangers)
    return bool(names) and (yield from _any_host(session, names, directive))


def _pointer(session: _Session, target: str, _directive: Directive) -> Asking[bool]:
    """Section 5.5: a confirmed name of the client is that name or below it."""
    names = yield from spf_macro.validated_names(session.address)
    return any(name == target or name.endswith(f".{target}") for name in names)


def _exists(session: _Session, target: str, _directive: Directive) -> Asking[bool]:
    """Section 5.7: that name has an A record, whatever the client's address family is."""
    (found,) = yield from _look_up(session, (Question(target, RecordType.A),))
    return bool(found)


ASKING: dict[Kind, Callable[[_Session, str, Directive], Asking[bool]]] = {
    Kind.INCLUDE: _include,
    Kind.A: _host,
    Kind.MX: _exchanger,
    Kind.PTR: _pointer,
    Kind.EXISTS: _exists,
}
"""The mechanisms that ask the DNS."""


def _any_host(session: _Session, names: tuple[str, ...], directive: Directive) -> Asking[bool]:
    kind = RecordType.A if session.address.version == 4 else RecordType.AAAA
    found = yield from _look_up(session, tuple(Question(name, kind) for name in names))
    prefix = directive.prefix4 if session.address.version == 4 else directive.prefix6
    return any(session.address in network for records in found for network in _networks(records, prefix))


def _look_up(session: _Session, questions: tuple[Question, ...]) -> Asking[list[tuple[str, ...]]]:
    """Ask a batch; a name that cannot exist is not asked for and finds nothing (section 4.3).

    A batch that finds nothing at all is one void look-up: section 4.6.4 counts terms, and of ten mail
    exchangers some have no address of the client's family.
    """
    real = tuple(question for question in questions if is_domain(question.name, labels=1))
    answers = dict(zip(real, (yield real) if real else (), strict=True))
    found = [_records(answers[question]) if question in answers else () for question in questions]
    session.void += bool(real) and not any(found)
    if session.void > MAX_VOID:
        raise PermError(f"more than {MAX_VOID} look-ups found nothing")
    return found


def _expand(session: _Session, domain: str, spec: str) -> Asking[str]:
    """Expand macros, and cut the result from the left to 253 octets (section 7.3)."""
    if "%" not in spec:
        return spec.lower().removesuffix(".")
    values = spf_macro.Values(session.address, session.sender, session.helo, domain)
    name = (yield from spf_macro.expand(spec, values)).removesuffix(".").lower()
    while len(name) > 253 and "." in name:
        name = name.partition(".")[2]
    return name


def _records(answer: Answer) -> tuple[str, ...]:
    if answer.status in {Status.TEMPORARY, Status.NOT_ASKED}:
        raise TempError("the DNS gave no answer")
    return answer.records if answer.status is Status.OK else ()


def _networks(records: tuple[str, ...], prefix: int) -> list[Network]:
    networks: list[Network] = []
    for text in records:
        try:
            networks.append(ipaddress.ip_network(f"{text}/{prefix}", strict=False))
        except ValueError:
            continue  # a resolver that says so is broken, and it names no host
    return networks


def _address(text: str) -> Address:
    """Read the client's address; an IPv4 address in IPv6 clothes is IPv4 (section 5)."""
    address = ipaddress.ip_address(text.removeprefix("IPv6:"))
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def is_domain(name: str, *, labels: int = 2) -> bool:
    """Say whether a name can be asked for: ASCII, labels of 1 to 63 octets, at most 253 in all."""
    if not name.isascii() or len(name) > 253 or "\0" in name or name[:1] == "[":
        return False
    pieces = name.split(".")
    return len(pieces) >= labels and all(0 < len(piece) <= 63 for piece in pieces)
