"""What may be done in the console. Each deed is in the ledger under the account's name before it takes effect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from counterfoil.console.page import Asked, Page
from counterfoil.console.pages import mail
from counterfoil.console.views import Sources, told
from counterfoil.gateway.store.stories import Query
from counterfoil.gateway.store.tenants import Operator
from counterfoil.ledger.audit import audit
from counterfoil.model.errors import Refused
from counterfoil.model.mail import Part
from counterfoil.operators.roles import Permission

MOST_AT_ONCE = 200
MOST_TEXT, MOST_TEXTS = 50_000, 300_000
"""Octets of one part that are shown, and of all parts together."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a form sent: single values, and the rows that were chosen."""

    values: Mapping[str, str]
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a deed, in sentences, and where to go on; or a page to show instead of going on."""

    said: tuple[str, ...]
    to: str
    page: Page | None = None


def _by(asked: Asked) -> Operator:
    return Operator(asked.account.actor, asked.now)


def release(sources: Sources, asked: Asked, form: Form) -> Done:
    """Ask for the release of held messages; the gateway sends each until the next hop says 250."""

    def one(name: str, tenant: str | None) -> str:
        sources.quarantine.want(name, tenant, _by(asked))
        return f"{name} is being released"

    return _each(sources, asked, form, one)


def delete(sources: Sources, asked: Asked, form: Form) -> Done:
    """Delete held messages for good, once somebody has said that they are sure."""
    if form.values.get("sure") != "yes":
        found = [
            row
            for name in form.ids[:MOST_AT_ONCE]
            for row in sources.stories.find(Query(id=name, tenants=asked.scope.tenants), held_only=True, limit=1)
        ]
        return Done((), "/quarantine", mail.sure(found))

    def one(name: str, tenant: str | None) -> str:
        sources.quarantine.delete(name, tenant, form.values.get("why", "")[:500], _by(asked))
        return f"{name} was deleted"

    return _each(sources, asked, form, one)


def _each(sources: Sources, asked: Asked, form: Form, one: Callable[[str, str | None], str]) -> Done:
    """Do it to each message; one that is refused does not keep the others."""
    if not form.ids:
        return Done(("Nothing was chosen.",), "/quarantine")
    said = []
    for name in form.ids[:MOST_AT_ONCE]:
        try:
            tenant = told(sources, name, asked.scope, held_only=True)["tenant"]
            said.append(one(name, None if tenant is None else str(tenant)))
        except Refused as refusal:
            said.append(f"{name}: {refusal.message}")
    if len(form.ids) > MOST_AT_ONCE:
        said.append(f"{len(form.ids) - MOST_AT_ONCE} more were left as they are: at most {MOST_AT_ONCE} at once")
    return Done(tuple(said), "/quarantine")


def read(sources: Sources, asked: Asked, _form: Form) -> Done:
    """Show a held message as text; who looked is in the ledger first."""
    name = asked.place["id"]
    told_of = told(sources, name, asked.scope, held_only=True)
    tenant = None if told_of["tenant"] is None else str(told_of["tenant"])
    raw = sources.quarantine.raw(name, tenant)
    sources.accounts.note("held-read", asked.account.name, asked.now, subject=name, tenant=tenant)
    scan = sources.look(raw)
    texts, others, shown_octets = [], [], 0
    for part in scan.parts:
        if part.detected_type.startswith("text/") and shown_octets < MOST_TEXTS:
            texts.append(_text(part))
            shown_octets += min(part.size, MOST_TEXT)
        else:
            others.append({"id": part.id, "names": list(part.names), "type": part.detected_type, "size": part.size})
    shown = {
        "id": name,
        "source": raw[:MOST_TEXT].decode("utf-8", "backslashreplace"),
        "source_cut": max(0, len(raw) - MOST_TEXT),
        "texts": texts,
        "others": others[:MOST_AT_ONCE],
        "others_cut": max(0, len(others) - MOST_AT_ONCE),
        "reasons": [item.reason for item in scan.uninspectable],
    }
    return Done((), "", Page(f"Text of {name}", "text.html", more=shown))


def _text(part: Part) -> dict[str, object]:
    text = part.data[:MOST_TEXT].decode("utf-8", "backslashreplace")
    return {
        "id": part.id,
        "names": list(part.names),
        "type": part.detected_type,
        "text": text,
        "cut": max(0, part.size - MOST_TEXT),
    }


def hold(sources: Sources, asked: Asked, form: Form) -> Done:
    """Hold a campaign, with the reason."""
    return _campaign(sources, asked, form, holding=True)


def resume(sources: Sources, asked: Asked, form: Form) -> Done:
    """Let a campaign go on, with the reason."""
    return _campaign(sources, asked, form, holding=False)


def _campaign(sources: Sources, asked: Asked, form: Form, *, holding: bool) -> Done:
    """A campaign is of many tenants: who holds it or lets it go on must be there for all of them."""
    name, why = asked.place["id"], form.values.get("why", "").strip()[:500]
    if not asked.scope.everything:
        raise Refused(f"there is no campaign {name} that is yours alone", "ask somebody who is there for all tenants")
    sources.campaigns.campaign(name)
    to = f"/campaigns/{name}"
    if not why:
        return Done(("Nothing was done: say why.",), to)
    try:
        if holding:
            sources.campaigns.hold(name, why, asked.now, asked.account.actor)
            return Done((f"{name} is held. It goes on when somebody resumes it.",), to)
        sources.accounts.note("campaign-resume-reason", asked.account.name, asked.now, subject=name, why=why)
        sources.campaigns.hold(name, None, asked.now, asked.account.actor)
    except Refused as refusal:  # the page was drawn before the campaign came to its end, or somebody else was faster
        return Done((f"Nothing was done: {refusal.message}.",), to)
    return Done((f"{name} may go on: counterfoil rotate apply {name}",), to)


def verify(sources: Sources, asked: Asked, _form: Form) -> Done:
    """Verify the whole ledger; one at a time, since it reads every row."""
    if not asked.account.scope(Permission.VERIFY_LEDGER).everything:
        raise Refused("the ledger is verified by those who are there for all tenants", "counterfoil ledger verify")
    publication, state = sources.ledger.publication, sources.verified
    if publication is None:
        raise Refused("this ledger is not published", "there is nothing to verify it against")
    if state.running:
        return Done(("A verification is under way. Look again in a moment.",), "/ledger")
    state.running = True
    try:
        state.last = (sources.clock(), audit(sources.ledger.engine, publication))
    finally:
        state.running = False
    return Done(("The ledger was verified.",), "/ledger")
