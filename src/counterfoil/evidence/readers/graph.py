"""Graph calls: ``MicrosoftGraphActivityLogs`` in every packing, and Defender's ``GraphAPIAuditEvents``."""

import re

from counterfoil.evidence.ids import guid, present, token_id
from counterfoil.evidence.paths import effect_of, path_of
from counterfoil.evidence.readers.fields import Fields
from counterfoil.evidence.readers.signin import tenant_of
from counterfoil.evidence.uses import GRAPH, Use

_ISSUER = re.compile(r"https://(?:sts\.windows\.net|login\.microsoftonline\.com)/([0-9a-f-]{36})", re.IGNORECASE)
RESOURCE = "00000003-0000-0000-c000-000000000000".replace("-", "")
"""Microsoft Graph's application id as sign-ins name it."""
_AUTHENTICATION = {"0": "public", "1": "secret", "2": "certificate"}


def graph_call(fields: Fields) -> Use:
    """Read one call; what is missing or in an unknown spelling is said in ``doubt``."""
    doubts: list[str] = []
    given = fields.text("signinactivityid", "uniquetokenid", "uniquetokenidentifier")
    token = token_id(given)
    if token is None:
        doubts.append("unfilled signInActivityId" if given is None else "unknown spelling of signInActivityId")
    issuer = _ISSUER.match(fields.text("identityprovider") or "")
    tenant = tenant_of(fields) or (issuer[1].lower() if issuer else None)
    app, time = fields.lower("appid", "applicationid"), fields.time("timegenerated", "timestamp", "time")
    request = fields.lower("requestid") or fields.lower("correlationid", "reportid")
    method = (fields.text("requestmethod") or "").upper() or None
    path = path_of(fields.text("requesturi"))
    status = fields.text("responsestatuscode", "resultsignature")
    if status is None or not status.isdigit():
        doubts.append("unfilled responseStatusCode")
        status = None
    doubts += [
        f"unfilled {key}"
        for key, value in (("tenant", tenant), ("appId", app), ("time", time), ("requestId", request))
        if not value
    ]
    return Use(
        record=f"{GRAPH}:{tenant}:{request}" if request else "",
        source=GRAPH,
        tenant=tenant,
        time=time,
        app=app,
        uti=token.hex if token else None,
        uti_other=token.other if token else None,
        credential_type=_AUTHENTICATION.get(fields.text("clientauthmethod") or ""),
        request_id=request,
        client_request_id=fields.lower("clientrequestid"),
        operation_id=fields.lower("operationid"),
        success=status is None or int(status) < 400,
        error=status if status is not None and int(status) >= 400 else None,
        address=fields.text("ipaddress", "calleripaddress"),
        agent=present(fields.text("useragent")),
        resource=RESOURCE,
        method=method,
        path=path,
        operation=method,
        effect=effect_of(method, path),
        rest=True,
        principal=guid(fields.text("serviceprincipalid")),
        doubt="; ".join(doubts) or None,
    )
