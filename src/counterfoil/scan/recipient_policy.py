"""What a tenant's policy says for one recipient. Pure: a document in, a document out."""

from collections.abc import Mapping

from counterfoil.model.mail import Json


def for_recipient(document: Mapping[str, Json], address: str) -> Mapping[str, Json]:
    """Return the policy for one recipient: an entry for the address itself counts, else one for its domain.

    Args:
        document: A tenant's policy, as ``write`` made it.
        address: A recipient's; letters of either case are one, as they are to Exchange.
    """
    entries = document.get("recipients")
    if not isinstance(entries, list) or not entries:
        return document
    own = {str(entry["to"]): entry for entry in entries if isinstance(entry, dict)}
    name = address.lower()
    chosen = own.get(name) or own.get("@" + name.rpartition("@")[2]) or {}
    return {key: _over(value, chosen.get(key)) for key, value in document.items() if key != "recipients"}


def _over(common: Json, own: Json) -> Json:
    return common | own if isinstance(common, dict) and isinstance(own, dict) else common
