"""What the results rest on, as evidence that a person can check."""

from dataclasses import asdict

from counterfoil.model.mail import Json
from counterfoil.scan.authentication.arc import Arc
from counterfoil.scan.authentication.dkim import Dkim
from counterfoil.scan.authentication.dmarc import Dmarc
from counterfoil.scan.authentication.spf import Spf


def describe(
    sender: Spf, helo: Spf | None, signatures: tuple[Dkim, ...], verdict: Dmarc, chain: Arc
) -> dict[str, Json]:
    """Spell the results of the four methods; absent facts are left out."""
    policy: dict[str, Json] = {}
    if verdict.policy is not None:
        policy = {
            "policy": verdict.policy.asked,
            "policy_of": verdict.policy.found_at,
            "percent": verdict.policy.percent,
        }
    detail: dict[str, Json] = {} if helo is None else {"helo": _facts(asdict(helo))}
    return detail | {
        "spf": _facts(asdict(sender)),
        "dkim": [_facts(asdict(one)) for one in signatures],
        "dmarc": _facts({"result": verdict.result, "domain": verdict.domain, "reason": verdict.reason}) | policy,
        "arc": _facts({"result": chain.result, "sealers": list(chain.sealers), "reason": chain.reason}),
    }


def _facts(fields: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value not in ("", [], False)}
