"""The truth of a case, as truth.json has it; everything an answer is scored against is in there."""

from counterfoil.cases.acts import Act
from counterfoil.cases.cast import Setting
from counterfoil.cases.faults import FAULTS
from counterfoil.cases.rows import EXCHANGE, Record
from counterfoil.cases.spell import instant
from counterfoil.cases.story import Told, until


def of_tenant(told: Told) -> Record:
    """Say what really happened in one tenant.

    ``kinds`` are the discrepancies that complete logs show; ``left`` what outlives a theft; ``excuses`` the
    faults under which "cannot say" is honest, each with the states and rules that may say so; ``whole``
    whether no row was lost or spoiled; ``undetectable`` marks the theft that no log can show.
    """
    theft, one = told.theft, told.tenant
    faults = [FAULTS[name] for name in told.faults]
    touched = theft is not None and theft.touched
    acts = ([], []) if theft is None else (theft.read, theft.changed)
    folders = [] if theft is None else [{"mailbox": box, "folder": folder} for box, folder in theft.whole_folders]
    kinds = (theft.kinds if theft else set()) | {kind for fault in faults for kind in fault.kinds}
    return {
        "tenant": str(one.tenant),
        "name": one.name,
        "app": str(one.app),
        "thumbprint_sha1": one.key.sha1,
        "style": one.style,
        "thief": one.thief,
        "touched": touched,
        "kinds": sorted(kinds),
        "undetectable": told.undetectable,
        "faults": list(told.faults),
        "excuses": {name: list(FAULTS[name].shows) for name in told.faults if FAULTS[name].shows},
        "whole": not any(fault.loses for fault in faults),
        "read": _reach(acts[0], folders, named=theft is not None and theft.named),
        "changed": _reach(acts[1], [], named=False),
        "left": [*(theft.left if theft else []), *(words for fault in faults for words in fault.left)],
    }


def of_bystander(stub: Record) -> Record:
    """Say of a tenant without a connection that nothing can have happened to it."""
    nothing = {"touched": False, "kinds": [], "undetectable": False, "faults": [], "excuses": {}, "whole": True}
    return {"tenant": stub["tenant"], "name": stub["name"], "app": None} | nothing | {"left": []}


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
