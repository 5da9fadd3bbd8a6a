"""One question across all tenants: what became of this certificate?"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from counterfoil.evidence.answer import CANNOT_SAY, TOUCHED, TenantAnswer, document, tenant_document
from counterfoil.evidence.phrases import counted, named
from counterfoil.evidence.registry import Registry
from counterfoil.evidence.stubs import Books
from counterfoil.evidence.words import Line, sections, sum_line
from counterfoil.model.mail import Json


def touched(answers: Iterable[TenantAnswer], books: Books, registry: Registry, values: set[str]) -> dict[str, Json]:
    """Keep the tenants that have one of these credentials, by our books or by somebody else's use of it.

    A tenant that is touched in another way only cannot be called clean: it is answered as ``cannot-say``
    here, with the other thing as its reason.
    """
    names = {name for value in values if (name := registry.same(value)) is not None} | values
    having = {
        row["tenant"]
        for rows in (books.credentials, books.tokens)
        for row in rows
        if registry.name_of(row) in names or values & {row["sha1"], row["sha256"], row["key_id"]}
    }
    using = {row["tenant"] for row in books.tokens if registry.name_of(row) in names}
    kept: list[TenantAnswer] = []
    for answer in answers:
        by_it = answer.subjects & names
        if answer.tenant not in having and not by_it:
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
    return {"summary": whole["summary"], "tenants": tenants}


def touched_lines(document: Mapping[str, Any], values: list[str], width: int | None) -> Iterator[Line]:
    """Yield the answer for a person: who has it, who was touched and how far it went, and of whom nobody can say."""
    summary = document["summary"]
    for value in values:
        yield Line(value.upper(), "bold")
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
