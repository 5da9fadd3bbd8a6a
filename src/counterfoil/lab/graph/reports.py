"""Log reports of Graph: beta ``/auditLogs/signIns`` and ``/auditLogs/directoryAudits``."""

from typing import Any

from counterfoil.lab.graph import odata
from counterfoil.lab.graph.context import Context, GraphError
from counterfoil.lab.logs import delivery, directory_audit, signin
from counterfoil.lab.wire import Reply, json_reply


def sign_ins(context: Context) -> Reply:
    """``GET /beta/auditLogs/signIns``; without the filter on signInEventTypes only people's sign-ins, which are none.

    Raises:
        GraphError: 403 for a tenant without Entra ID P1 or P2.
    """
    if not context.caller.tenant.licensed:
        raise GraphError(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        )
    long_uti = bool(context.world.dial(context.tenant, "graph_form_uti"))
    rows = delivery.seen(context.world, context.tenant, delivery.SIGNIN, context.call.now)
    documents = [signin.graph(row.body, long_uti=long_uti) for row in rows]
    if "signineventtypes" not in context.call.query.get("$filter", "").lower():
        documents = []
    return json_reply(
        200,
        odata.page(
            context, _newest_first(documents, "createdDateTime"), dict, size=1000, most=1000, path="auditLogs/signIns"
        ),
    )


def directory_audits(context: Context) -> Reply:
    """``GET /auditLogs/directoryAudits``."""
    rows = delivery.seen(context.world, context.tenant, delivery.DIRECTORY, context.call.now)
    documents = [directory_audit.graph(row.body) for row in rows]
    return json_reply(
        200,
        odata.page(
            context,
            _newest_first(documents, "activityDateTime"),
            dict,
            size=1000,
            most=1000,
            path="auditLogs/directoryAudits",
        ),
    )


def _newest_first(documents: list[dict[str, Any]], time: str) -> list[dict[str, Any]]:
    return sorted(documents, key=lambda document: str(document[time]), reverse=True)
