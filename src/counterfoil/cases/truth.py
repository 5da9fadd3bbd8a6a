"""The truth of a case, as truth.json has it; everything an answer is scored against is in there."""

from counterfoil.cases.acts import Act
from counterfoil.cases.cast import Setting
from counterfoil.cases.faults import EXCUSES
from counterfoil.cases.rows import EXCHANGE, Record
from counterfoil.cases.spell import instant
from counterfoil.cases.story import Told, until


def of_tenant(told: Told) -> Record:
    """Say what really happened in one tenant.

    ``kinds`` are the discrepancies that complete logs show; ``excuses`` the faults under which
    "cannot say" is honest; ``undetectable`` marks the theft that no log can show.
    """
    theft = told.theft
    acts = ([], []) if theft is None else (theft.read, theft.changed)
    folders = [] if theft is None else [{"mailbox": box, "folder": folder} for box, folder in theft.whole_folders]
    return {
        "tenant": str(told.tenant.tenant),
        "name": told.tenant.name,
        "app": str(told.tenant.app),
        "thumbprint_sha1": told.tenant.key.sha1,
        "style": told.tenant.style,
        "thief": told.tenant.thief,
        "touched": theft is not None and theft.touched,
        "kinds": sorted(theft.kinds) if theft else [],
        "undetectable": told.undetectable,
        "faults": list(told.tenant.faults),
        "excuses": sorted(set(told.tenant.faults) & EXCUSES),
        "read": _reach(acts[0], folders, named=theft is not None and theft.has_stubs),
        "changed": _reach(acts[1], [], named=False),
    }


def of_bystander(stub: Record) -> Record:
    """Say of a tenant without a connection that nothing can have happened to it."""
    nothing = {"touched": False, "kinds": [], "undetectable": False, "faults": [], "excuses": []}
    return {"tenant": stub["tenant"], "name": stub["name"], "app": None} | nothing


def _reach(acts: list[Act], folders: list[dict[str, str]], *, named: bool) -> Record:
    boxes = {act.mailbox for act in acts} | {entry["mailbox"] for entry in folders}
    items = {act.item.id for act in acts if act.item.id and not named and not act.uri.startswith(EXCHANGE)}
    return {
        "mailboxes": sorted(boxes),
        "messages": sorted({act.item.message_id for act in acts if act.item.message_id}),
        "items": sorted(items),
        "folders": folders,
    }


def document(stage: Setting, tenants: list[Record]) -> Record:
    """Return truth.json."""
    return {
        "note": "Synthetic: these tenants, keys, mails and thefts are invented.",
        "seed": stage.seed,
        "since": instant(stage.start),
        "until": instant(until(stage)),
        "tenants": tenants,
    }
