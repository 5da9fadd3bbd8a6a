"""Who the message says it is from, where a person and a machine read different senders.

RFC 5322 section 3.6.2 asks for exactly one From; a display name is free text, and mail clients show it alone.
"""

import re
from collections.abc import Iterator
from email.utils import getaddresses

from counterfoil.model.mail import Finding, Json, Severity
from counterfoil.scan import attack
from counterfoil.scan.domains import registrable
from counterfoil.scan.features import Message

NAME = "sender"

ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:@]{1,64}@((?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,63})")
INVISIBLE = re.compile(
    "[\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u115f\u1160\u3164]"
    "|(?<=[A-Za-z])[\u00ad\u200b-\u200d](?=[A-Za-z])"
)
"""Marks that no name needs; joiners only between Latin letters, for other scripts and emoji are written with them."""

MOST_COMMENTS = 20
"""Comments nest, and reading them recurses; honest mail has one or two."""

MOST = 20_000
"""Characters of a header that are looked at; parsing a list of addresses is quadratic."""


def check(message: Message) -> Iterator[Finding]:
    """Yield what is odd about From, Sender and Reply-To."""
    fields = [value[:MOST] for value in message.values("From")]
    if not message.headers:
        return  # a bare file
    if not fields:
        yield _finding(Severity.LOW, "There is no From", {})
        return
    if len(fields) > 1:
        yield _finding(
            Severity.MEDIUM, "Several From fields: programs show and check different ones", {"from": [*fields]}
        )
    if any(field.count("(") > MOST_COMMENTS for field in fields):
        yield _finding(Severity.MEDIUM, "From is full of comments, which programs read differently", {})
    mailboxes = [pair for field in fields for pair in _mailboxes(field)]
    domains = sorted({_domain(address) for _, address in mailboxes if "@" in address})
    if len(domains) > 1 and len(fields) == 1:
        severity = Severity.LOW if any(message.values("Sender")) else Severity.MEDIUM
        yield _finding(severity, "Several senders of different domains in From", {"domains": [*domains]})
    if not domains:
        yield _finding(Severity.LOW, "From holds no address", {"from": [*fields]})
    yield from _names(mailboxes)
    yield from _answers(message, domains)


def _mailboxes(field: str) -> list[tuple[str, str]]:
    """Return names and addresses; a field full of comments is read as if their brackets were blanks."""
    if field.count("(") > MOST_COMMENTS:
        field = field.replace("(", " ").replace(")", " ")
    return [pair for pair in getaddresses([field]) if pair != ("", "")]


def _names(mailboxes: list[tuple[str, str]]) -> Iterator[Finding]:
    for name, address in mailboxes:
        bare = INVISIBLE.sub("", name)
        if bare != name:
            yield _finding(Severity.MEDIUM, "The sender's name holds invisible characters", {"name": _escaped(name)})
        for shown in ADDRESS.finditer(bare):
            domain = registrable(shown.group(1))
            if "@" in address and domain != _domain(address):
                evidence: dict[str, Json] = {"name": bare, "address": address, "shown": shown.group()}
                yield _finding(Severity.MEDIUM, "The sender's name shows another address", evidence)


def _answers(message: Message, domains: list[str]) -> Iterator[Finding]:
    """Tell where answers go elsewhere: mailing lists do that too, so it is weak by itself."""
    for value in message.values("Reply-To"):
        for _, address in _mailboxes(value[:MOST]):
            if "@" in address and domains and _domain(address) not in domains:
                evidence: dict[str, Json] = {"reply_to": address, "from": [*domains]}
                yield _finding(Severity.LOW, "Answers go to another domain", evidence)
                return


def _domain(address: str) -> str:
    return registrable(address.rpartition("@")[2])


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode()


def _finding(severity: Severity, summary: str, evidence: dict[str, Json]) -> Finding:
    return Finding(NAME, severity, summary, None, (attack.IMPERSONATION, attack.EMAIL_SPOOFING), evidence)
