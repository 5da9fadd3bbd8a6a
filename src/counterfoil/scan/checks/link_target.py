"""Links that lead elsewhere than a person reads: another host in the text, or a host that is written to mislead."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from counterfoil.model.mail import Finding, Link, Severity
from counterfoil.scan import attack
from counterfoil.scan.domains import ascii_host, is_public_suffix, registrable
from counterfoil.scan.features import Message
from counterfoil.scan.hosts import hosts_of

NAME = "link-target"

SHOWN_URL = re.compile(r"(?:(?:https?|ftp)://(?:[^\s/@]*@)?|(?=www\.))((?:[\w-]+\.)+[^\W\d_][\w-]+)", re.IGNORECASE)
"""A text that begins as a URL does."""

BARE_HOST = re.compile(r"((?:[\w-]+\.)+[^\W\d_][\w-]+)(?:/\S*)?", re.IGNORECASE)
"""A text that is nothing but a host, perhaps with a path: a name like Walmart.com as often as an address."""

PICTURE = re.compile(r"\.(?:gif|png|jpe?g|webp|bmp|svg)(?:[?#]|$)", re.IGNORECASE)
"""The text of a picture is its description, not what a person takes for its address."""

WRAPPERS = frozenset(
    {"safelinks.protection.outlook.com", "urldefense.proofpoint.com", "urldefense.com", "clicktime.symantec.com"}
    | {"www.google.com", "linkprotect.cudasvc.com", "protect-us.mimecast.com", "protect-eu.mimecast.com"}
)
"""Hosts of services that rewrite other people's links and carry the old one inside."""

WEB = re.compile(r"\s*(?:https?|ftp):", re.IGNORECASE)
USERINFO = re.compile(r"^[^:]*:[/\\\\]*([^/\\\\?#]*)@")
DOTTED = re.compile(r"^(?:\d{1,3}\.){3}\d{1,3}$")
LONGEST_TEXT = 300


def check(message: Message) -> Iterator[Finding]:
    """Yield one finding for each kind of lie and each pair of hosts."""
    seen: set[tuple[str, str, str]] = set()
    for link in message.links:
        hosts = hosts_of(link.url) if WEB.match(link.url) else ()
        if not hosts:
            continue
        for summary, severity, shown in _lies(link, tuple(map(ascii_host, hosts))):
            key = (summary, shown, hosts[0])
            if key not in seen:
                seen.add(key)
                yield Finding(
                    check=NAME,
                    severity=severity,
                    summary=summary,
                    part=link.part,
                    techniques=(attack.PHISHING_LINK, attack.MALICIOUS_LINK),
                    evidence={"url": link.url[:2000], "text": link.text[:500], "shown": shown, "hosts": list(hosts)},
                )


def _lies(link: Link, hosts: tuple[str, ...]) -> Iterator[tuple[str, Severity, str]]:
    host = hosts[0]
    if len(hosts) > 1:
        yield "Programs disagree which host the link leads to", Severity.MEDIUM, hosts[1]
    userinfo = USERINFO.match(link.url)
    if userinfo and userinfo.group(1):
        name = unquote(userinfo.group(1)).partition(":")[0]
        severity = Severity.MEDIUM if "." in name and is_public_suffix(name) else Severity.LOW
        yield "What looks like the host is a user name before an @", severity, name
    if DOTTED.match(host):
        hidden = host not in link.url
        summary = "The host is an address written so that nobody reads it" if hidden else "The host is a bare address"
        yield summary, Severity.MEDIUM if hidden else Severity.LOW, host
    if any(label.startswith("xn--") for label in host.split(".")):
        yield "The host has letters of other scripts (punycode)", Severity.LOW, _unicode(host)
    yield from _mismatch(link, hosts)


def _mismatch(link: Link, hosts: tuple[str, ...]) -> Iterator[tuple[str, Severity, str]]:
    text = link.text.strip()[:LONGEST_TEXT]
    as_url, as_host = SHOWN_URL.match(text), BARE_HOST.fullmatch(text)
    match = as_url or as_host
    if not match or PICTURE.search(link.url) or not is_public_suffix(match.group(1)):
        return
    shown = ascii_host(match.group(1))
    if any(_akin(shown, host) for host in hosts) or (_wraps(hosts[0]) and shown in unquote(unquote(link.url))):
        return
    summary = "The text shows another host than the link leads to"
    yield summary, Severity.MEDIUM if as_url else Severity.LOW, shown


def _wraps(host: str) -> bool:
    return host in WRAPPERS or host.partition(".")[2] in WRAPPERS


def _unicode(host: str) -> str:
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return host


def _akin(shown: str, host: str) -> bool:
    return registrable(shown) == registrable(host) or host.endswith("." + shown) or shown.endswith("." + host)
