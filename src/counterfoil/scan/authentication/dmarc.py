"""DMARC, RFC 7489: does the domain that is shown as the author stand behind the message?"""

import re
from dataclasses import dataclass

from counterfoil.model.dns import Answer, Asking, Question, RecordType, Status
from counterfoil.model.mail import NOT_CHECKED
from counterfoil.scan.authentication import author, tags
from counterfoil.scan.authentication.canonical import Field
from counterfoil.scan.authentication.dkim import Dkim
from counterfoil.scan.authentication.spf import Spf
from counterfoil.scan.authentication.tags import Malformed
from counterfoil.scan.domains import registrable

POLICIES = ("none", "quarantine", "reject")

_RECORD = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a domain asks for, and where it says so; ``strict_*`` is alignment by the very same domain."""

    asked: str
    found_at: str
    strict_dkim: bool = False
    strict_spf: bool = False
    percent: int = 100


@dataclass(frozen=True, slots=True)
class Dmarc:
    """The result in RFC 8601's words, the author's domain, the policy that applies, and why."""

    result: str
    domain: str = ""
    policy: Policy | None = None
    reason: str = ""


def discover(fields: list[Field]) -> Asking[Dmarc | Policy | None]:
    """Find the policy of the author's domain (section 6.6.3).

    Args:
        fields: Every From field of the message.

    Returns:
        The policy, ``None`` where none is published, or a result that is already known.
    """
    try:
        domain = author.domain(fields)
    except Malformed as error:
        return Dmarc("permerror", reason=str(error))
    places = tuple(dict.fromkeys((domain, registrable(domain))))
    answers = yield tuple(Question(f"_dmarc.{place}", RecordType.TXT) for place in places)
    try:
        for place, answer in zip(places, answers, strict=True):
            if record := _record(answer, place):
                return _policy(record, place, below=place != domain)
    except _Silence as error:
        return Dmarc("temperror", domain, reason=str(error))
    except Malformed as error:
        return Dmarc("permerror", domain, reason=str(error))
    return None


def judge(fields: list[Field], found: Dmarc | Policy | None, spf: Spf, dkim: tuple[Dkim, ...]) -> Dmarc:
    """Compare the author's domain with those that SPF and DKIM vouch for (section 6.6.2)."""
    if isinstance(found, Dmarc):
        return found
    domain = author.domain(fields)
    if found is None:
        return Dmarc("none", domain, reason="the domain publishes no policy")
    speaks = [one for one in dkim if _aligned(one.domain, domain, strict=found.strict_dkim)]
    sends = _aligned(spf.domain, domain, strict=found.strict_spf)
    if signer := next((one for one in speaks if one.result == "pass"), None):
        return Dmarc("pass", domain, found, f"signed by {signer.domain}")
    if sends and spf.result == "pass":
        return Dmarc("pass", domain, found, f"sent for {spf.domain}")
    if any(one.result == "temperror" for one in speaks) or (sends and spf.result == "temperror"):
        return Dmarc("temperror", domain, found, "what would speak for the author could not be checked now")
    # A file has no envelope: there the word of the sending host is missing, not against the author.
    word = NOT_CHECKED if spf.result == NOT_CHECKED else "fail"
    return Dmarc(word, domain, found, "neither a signature nor a sending host speaks for the author")


class _Silence(Exception):
    """The DNS gave no answer about the policy."""


def _record(answer: Answer, place: str) -> str | None:
    if answer.status in {Status.TEMPORARY, Status.NOT_ASKED}:
        raise _Silence("the DNS gave no answer about the policy")
    records = [text for text in answer.records if _RECORD.match(text)] if answer.status is Status.OK else []
    if len(records) > 1:
        raise Malformed(f"{place} publishes several policies")
    return records[0] if records else None


def _policy(record: str, place: str, *, below: bool) -> Policy:
    """Read a record (section 6.3); ``below`` says that it is asked on behalf of a subdomain."""
    found = tags.parse(record)
    asked = found.get("p", "").lower()
    if below:
        asked = found.get("sp", asked).lower()
    if asked not in POLICIES:
        # Section 6.6.3: a record that asks for no policy but for reports is one that asks for none.
        if not found.get("rua", "").lower().startswith("mailto:"):
            raise Malformed(f"the policy of {place} asks for nothing that is known")
        asked = "none"
    percent = found.get("pct", "100")
    return Policy(
        asked=asked,
        found_at=place,
        strict_dkim=found.get("adkim", "r").lower() == "s",
        strict_spf=found.get("aspf", "r").lower() == "s",
        percent=int(percent) if percent.isascii() and percent.isdigit() and int(percent[:4]) <= 100 else 100,
    )


def _aligned(other: str, domain: str, *, strict: bool) -> bool:
    """Section 3.1: the same domain, or where that is enough the same organisation."""
    return bool(other) and (other == domain or (not strict and registrable(other) == registrable(domain)))
