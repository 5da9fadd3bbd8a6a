"""Service-principal sign-ins: Event Hub, storage, Log Analytics and the Graph API.

Shapes: reference of Microsoft Graph ``signIn`` (beta), table ``AADServicePrincipalSignInLogs``.
"""

import re
from typing import Any

from counterfoil.evidence.ids import guid, present, thumbprint, token_id
from counterfoil.evidence.readers.fields import Fields, listed, truth
from counterfoil.evidence.uses import SIGN_INS, Use

_TENANT_PATH = re.compile(r"/tenants/([0-9a-f-]{36})", re.IGNORECASE)


def sign_in(fields: Fields) -> Use:
    """Read one sign-in; what is missing or in an unknown spelling is said in ``doubt``."""
    doubts: list[str] = []
    given = fields.text("uniquetokenidentifier")
    token = token_id(given)
    if given is not None and token is None:
        doubts.append("unknown spelling of uniqueTokenIdentifier")
    request = guid(fields.text("id", "originalrequestid"))
    uti = token.hex if token is not None and token.spelling != "guid" else request
    if uti is None and token is not None:
        uti = token.hex
    if uti is None:
        doubts.append("unfilled uniqueTokenIdentifier and id")
    print_text = fields.text("serviceprincipalcredentialthumbprint")
    print_ = thumbprint(print_text)
    if print_text is not None and print_ is None:
        doubts.append("unknown spelling of servicePrincipalCredentialThumbprint")
    key_text = fields.text("serviceprincipalcredentialkeyid")
    if key_text is not None and guid(key_text) is None:
        doubts.append("unknown spelling of servicePrincipalCredentialKeyId")
    code = _code(fields)
    if code is None:
        doubts.append("unfilled result")
    tenant, app = tenant_of(fields), fields.lower("appid")
    time = fields.time("createddatetime", "timegenerated", "time", "date")
    doubts += [f"unfilled {key}" for key, value in (("tenant", tenant), ("appId", app), ("time", time)) if not value]
    key = request or uti
    return Use(
        record=f"{SIGN_INS}:{tenant}:{key}" if key else "",
        source=SIGN_INS,
        tenant=tenant,
        time=time,
        app=app,
        uti=uti,
        uti_other=token.other if token and request is None else None,
        sha1=print_.hex if print_ and print_.algorithm == "sha1" else None,
        sha256=print_.hex if print_ and print_.algorithm == "sha256" else None,
        key_id=guid(key_text),
        credential_type=_credential_type(fields),
        correlation_id=present(fields.inner.get("correlationid")) or fields.lower("correlationid"),
        client_request_id=present(fields.envelope.get("correlationid")),
        request_id=request or uti,
        success=code in (None, "0"),
        error=code if code not in (None, "0") else None,
        address=fields.text("ipaddress", "calleripaddress"),
        agent=fields.text("useragent"),
        resource=(guid(fields.text("resourceidentity", "resourceid")) or fields.text("resourcedisplayname")),
        operation="sign-in",
        cae=_cae(fields),
        principal=guid(fields.text("serviceprincipalid")),
        doubt="; ".join(doubts) or None,
    )


def tenant_of(fields: Fields) -> str | None:
    """Find the directory, never the workspace that Log Analytics calls ``TenantId``."""
    for key in ("aadtenantid", "resourcetenantid"):
        if found := fields.lower(key):
            return found
    path = _TENANT_PATH.search(str(fields.envelope.get("resourceid") or ""))
    if path:
        return path[1].lower()
    if "timegenerated" in fields.envelope and "time" not in fields.envelope:
        return None
    return fields.lower("tenantid")


def _code(fields: Fields) -> str | None:
    status = fields.json("status")
    if isinstance(status, dict) and (code := present(status.get("errorCode"))) is not None:
        return code
    return fields.text("resulttype", "errorcode", "statuserrorcode") or (
        "0" if str(fields.raw("status")).lower() == "success" else None
    )


def _credential_type(fields: Fields) -> str | None:
    if fields.text("federatedcredentialid"):
        return "federated"
    kind = fields.lower("clientcredentialtype")
    names = {
        "clientsecret": "secret",
        "clientassertion": "certificate",
        "certificate": "certificate",
        "federatedidentitycredential": "federated",
        "managedidentity": "federated",
    }
    return names.get(kind or "")


def _cae(fields: Fields) -> bool | None:
    details: Any = fields.json("authenticationprocessingdetails")
    for entry in listed(details):
        if str(entry.get("key", "")).strip().lower() == "is cae token":
            return truth(entry.get("value"))
    return None
