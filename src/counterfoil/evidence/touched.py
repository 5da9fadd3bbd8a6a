"""One question across all tenants: what became of this certificate?"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from counterfoil.evidence import answer as answering
from counterfoil.evidence.answer import CANNOT_SAY, TOUCHED, TenantAnswer, document, tenant_document
from counterfoil.evidence.phrases import counted, named
from counterfoil.evidence.registry import Registry, preferred
from counterfoil.evidence.stubs import Books
from counterfoil.evidence.words import Line, sections, sum_line
from counterfoil.model.mail import Json


def touched(answers: Iterable[TenantAnswer], books: Books, registry: Registry, values: set[str]) -> dict[str, Json]:
    """Keep the tenants that have one of these credentials, by our books or by somebody else's use of it.

    A tenant that is touched in another way only cannot be called clean: it is answered as ``cannot-say``
    here, with the other thing as its reason. A value that neither our books nor a discrepancy names is ``unknown``:
    it may be mistyped, so that nothing was found under it is no answer.
    """
    everything = list(answers)
    names = {name for value in values for name in _names(value, registry)}
    having = {
        row["tenant"]
        for rows in (books.credentials, books.tokens)
        for row in rows
        if registry.name_of(row) in names or values & {row["sha1"], row["sha256"], row["key_id"]}
    }
    using = {row["tenant"] for row in books.tokens if registry.name_of(row) in names}
    kept: list[TenantAnswer] = []
    for answer in everything:
        by_it = answer.subjects & names
        if answer.tenant not in having and not by_it and not names & _named(answer):
            continue
        if answer.state == TOUCHED and not by_it:
            reasons = ["touched in another way: see reconcile", *answer.reasons]
            kept.append(replace(answer, state=CANNOT_SAY, reasons=reasons))
        else:
            kept.append(answer)
    whole = document(kept, len(using & {answer.tenant for answer in kept}))
    tenants: list[Json] = []
    for answer in kept:
        entry = tenant_document(answer)
        entry["used_by_us"] = answer.tenant in using
        tenants.append(entry)
    known = {row[key] for rows in (books.credentials, books.tokens) for row in rows for key in _KEYS}
    known = known.union(*map(_named, everything), *(answer.subjects for answer in everything))
    unknown: list[Json] = [*sorted(value.upper() for value in values if not _names(value, registry) & known)]
    return {"summary": whole["summary"], "tenants": tenants, **({"unknown": unknown} if unknown else {})}


def _names(value: str, registry: Registry) -> set[str]:
    """Return what a thumbprint or key id may be called: itself, our name for it, or what a row of a stranger's says."""
    ours = registry.same(value)
    return {
        value,
        preferred({"key_id": value} if len(value) == _KEY_ID else {"sha1": value}),
        *([ours] if ours else []),
    }


_KEY_ID = 32
_KEYS = ("sha1", "sha256", "key_id")


def _named(answer: TenantAnswer) -> set[str]:
    """Return the credentials that the discrepancies of a tenant name, those that touch nobody too."""
    entries: list[Any] = answer.discrepancies
    return {str(row.get("subject")) for entry in entries for row in entry["evidence"]}


def exit_code(document: Mapping[str, Any]) -> int:
    """As of a reconciliation; and 3 where one of the values is not known."""
    return answering.exit_code(document) or (3 if document.get("unknown") else 0)


def touched_lines(document: Mapping[str, Any], values: list[str], width: int | None) -> Iterator[Line]:
    """Yield the answer for a person: who has it, who was touched and how far it went, and of whom nobody can say."""
    summary = document["summary"]
    unknown = document.get("unknown", [])
    for value in values:
        yield Line(value.upper(), "bold")
        if value.upper() in unknown:
            yield Line(
                "  no stub and no row that is not ours names this credential: is it spelled right?", "bold yellow"
            )
    if len(unknown) == len(values):
        return
    yield Line(
        f"{counted(summary['tenants'], 'tenant')} with this credential, of which we used it in {summary['using']}"
    )
    yield sum_line(summary)
    yield from sections(document["tenants"], width)
    clean = [tenant for tenant in document["tenants"] if tenant["state"] == "clean"]
    if clean:
        yield Line("")
        yield Line("Clean", "bold green")
    for tenant in clean:
        yield Line(f"  {named(tenant)}{'' if tenant['used_by_us'] else ': not used by us either'}")
