"""All that an operator of the laboratory can do from outside Microsoft's faces, by name.

``POST /lab/<name>`` on the admin port and ``Laboratory.operate(name, ...)`` run the same functions.
"""

from collections.abc import Callable
from typing import Any

from counterfoil.lab import blobs, by_hand, looks, plan, seed
from counterfoil.lab.graph.openapi import describe
from counterfoil.lab.world import World

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
