"""All that an operator of the laboratory can do from outside Microsoft's faces, by name.

``POST /lab/<name>`` on the admin port and ``Laboratory.operate(name, ...)`` run the same functions.
"""

import inspect
from collections.abc import Callable, Collection
from typing import Any

from counterfoil.lab import blobs, by_hand, looks, plan, seed
from counterfoil.lab.graph.openapi import describe
from counterfoil.lab.world import World
from counterfoil.model.errors import Refused

Operation = Callable[..., Any]


def openapi(_world: World, _now: float) -> dict[str, Any]:
    """Describe the laboratory's Graph in OpenAPI 3.0."""
    return describe()


OPERATIONS: dict[str, Operation] = {
    operation.__name__: operation
    for operation in (
        seed.add_tenant,
        seed.add_application,
        seed.consent,
        seed.add_mailbox,
        seed.add_message,
        seed.add_connector,
        seed.add_issuer,
        by_hand.admin_set_keys,
        by_hand.admin_add_key,
        by_hand.admin_add_secret,
        by_hand.admin_authentication,
        by_hand.admin_enable,
        by_hand.admin_remove_principal,
        by_hand.admin_delete_application,
        by_hand.admin_restrict,
        by_hand.admin_exchange_grant,
        by_hand.admin_key_policy,
        by_hand.admin_meddle,
        plan.schedule,
        plan.apply_faults,
        plan.lose_rows,
        openapi,
        blobs.container_sas,
        looks.messages,
        looks.credentials,
        looks.tenants,
        looks.rows,
        looks.set_settings,
        looks.set_licensed,
        looks.set_realistic,
        looks.import_sessions,
    )
}


def see_arguments(name: str, given: Collection[str]) -> None:
    """Look whether an operation takes what it is given, and is given what it needs.

    Raises:
        Refused: If not, or there is no such operation; the hint lists what there is.
    """
    if name not in OPERATIONS:
        raise Refused(f"the laboratory has no operation {name}", f"it has: {', '.join(OPERATIONS)}")
    _world, _now, *takes = inspect.signature(OPERATIONS[name]).parameters.values()
    known = {one.name: one.default is one.empty for one in takes if one.kind is not one.VAR_KEYWORD}
    strange = sorted(set(given) - set(known)) if len(known) == len(takes) else []
    lacking = [one for one, needed in known.items() if needed and one not in given]
    if strange or lacking:
        faults = [f"takes no {', '.join(strange)}"] * bool(strange) + [f"lacks {', '.join(lacking)}"] * bool(lacking)
        names = ", ".join(one if needed else f"[{one}]" for one, needed in known.items())
        raise Refused(f"{name} {' and '.join(faults)}", f"it takes: {names or 'nothing'}")
