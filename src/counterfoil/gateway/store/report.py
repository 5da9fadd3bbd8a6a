"""What is kept of a scan beside a message: what was found, and what a person asks for then. Pure."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import islice

from counterfoil.gateway.store.tables import storable
from counterfoil.model.mail import Decision, Json, Scan, Verdict

MAX_FINDINGS = 200
"""Findings kept with a message; a hostile one may have tens of thousands."""
MAX_TOLD = 30
"""Files and hosts of links kept with it."""
MAX_LINKS = 2_000
"""Links whose hosts are looked at."""

Hosts = Callable[[str], Sequence[str]]
"""Which hosts a URL may lead to."""


def known(scan: Scan | None, decision: Decision | None, hosts: Hosts) -> dict[str, Json]:
    """Return the columns of ``messages`` that a scan and a decision fill.

    Of a clean message nobody asks what files are in it, so that is not kept.
    """
    columns: dict[str, Json] = {}
    report: dict[str, Json] = {}
    if scan is not None:
        columns |= {"message_id": storable(scan.message_id), "subject": storable(scan.subject)}
        report |= {
            "findings": [asdict(finding) for finding in scan.findings[:MAX_FINDINGS]],
            "findings_left_out": max(0, len(scan.findings) - MAX_FINDINGS),
            "uninspectable": [asdict(item) for item in scan.uninspectable[:MAX_FINDINGS]],
            "files": _files(scan),
            "authentication": asdict(scan.authentication),
        }
        if decision is None or decision.verdict is not Verdict.CLEAN:
            report |= _contents(scan, hosts)
    if decision is not None:
        columns |= {"verdict": decision.verdict, "action": decision.action}
        report |= {"reasons": list(decision.reasons), "would_change": list(decision.would_change)}
    # JSON escapes what UTF-8 cannot spell, so evidence needs no repair.
    return columns | {"report": json.dumps(report)}


def _files(scan: Scan) -> dict[str, Json]:
    """Return the names of the files that something is said of, by their part: a person looks for a name."""
    names = scan.file_names()
    told = [finding.part for finding in scan.findings[:MAX_FINDINGS]]
    told += [item.part for item in scan.uninspectable[:MAX_FINDINGS]]
    return {part: names[part][:255] for part in told if part is not None and part in names}


def _contents(scan: Scan, hosts: Hosts) -> dict[str, Json]:
    """List every file that has a name, those inside others too, and where the links lead."""
    named = [part for part in scan.parts if part.names]
    shown: list[Json] = [
        {"part": part.id, "name": part.names[0][:255], "type": part.detected_type[:255], "size": part.size}
        for part in named[:MAX_TOLD]
    ]
    led = dict.fromkeys(host[:255] for link in islice(scan.links, MAX_LINKS) for host in hosts(link.url))
    return {
        "attachments": shown,
        "attachments_left_out": len(named) - len(shown),
        "link_hosts": [*islice(led, MAX_TOLD)],
        "link_hosts_left_out": max(0, len(led) - MAX_TOLD),
    }
