"""Is it meant? What a campaign that is named on the command line must not be by accident."""

import argparse
from difflib import get_close_matches

from counterfoil.credential import registry
from counterfoil.credential.campaigns import Campaigns
from counterfoil.credential.rotation import Kind
from counterfoil.evidence.ids import thumbprint
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Refused


def mark_of(text: str) -> str:
    """Read a thumbprint in any spelling, as upper-case hex.

    Raises:
        Refused: If it is none.
    """
    found = thumbprint(text)
    if found is None:
        raise Refused(f"{text!r} is no thumbprint", "give 40 or 64 hex digits, with or without colons, or base64url")
    return found.hex


def see_unplanned(arguments: argparse.Namespace, ledger: Ledger) -> None:
    """A campaign that exists has its plan: options that would choose another are a mistake, and are said.

    Raises:
        Refused: If there are any.
    """
    campaigns = Campaigns(ledger)
    campaign = campaigns.campaign(arguments.campaign)
    old = {mark for place in campaigns.places(campaign.id).values() for mark in place.old}
    known = {c.thumbprint_sha1: c.thumbprint_sha256 for c in registry.listed(ledger.engine)}
    marks = {known.get(mark, mark) for mark in map(mark_of, arguments.thumbprint)}
    other = arguments.compromise and campaign.kind is not Kind.COMPROMISE
    if other or arguments.only or arguments.spared or arguments.begin or not marks <= old:
        raise Refused(
            f"the campaign {campaign.id} has its plan already ({campaign.kind}): apply only goes on with it",
            "leave the other options away, or begin another under a new name",
        )


def see_meant(arguments: argparse.Namespace, known: set[str], unfinished: set[str]) -> None:
    """A mistyped name begins no campaign by accident.

    Raises:
        Refused: If the name is like another's, or others have not ended, and nobody said --begin.
    """
    alike = get_close_matches(arguments.campaign, sorted(known), 1, 0.8)
    if arguments.begin or not (alike or unfinished):
        return
    other = alike[0] if alike else min(unfinished)
    raise Refused(
        f"there is no campaign {arguments.campaign}, and there is {other}",
        f"go on with that one: counterfoil rotate apply {other}; or say --begin to begin {arguments.campaign}",
    )
