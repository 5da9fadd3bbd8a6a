"""Service principals, consent, the organization and its users."""

from typing import Any

from counterfoil.lab import directory
from counterfoil.lab.graph import applications, odata
from counterfoil.lab.graph.context import Context, GraphError, bad_request, not_found
from counterfoil.lab.logs.signin import principal_of_resource
from counterfoil.lab.names import RESOURCES, ROLES
from counterfoil.lab.objects import Assignment, Mailbox, Principal
from counterfoil.lab.spelling import seconds
from counterfoil.lab.wire import Reply, json_reply

_WRITERS = ("Application.ReadWrite.All", "Directory.ReadWrite.All")


def find(context: Context) -> Principal:
    """Return the service principal that the path names, by object id or ``appId='…'``.

    Raises:
        GraphError: 404 if this tenant has none.
    """
    name = context.params["principal"]
    if name.startswith("appId="):
        found = context.world.principal(context.tenant, name[6:])
    else:
        found = context.world.get(Principal, name)
    if found is None or found.tenant != context.tenant:
        raise not_found(name.removeprefix("appId="))
    return found


def document(context: Context, principal: Principal) -> dict[str, Any]:
    """Shape a service principal."""
    with_key = "keycredentials" in context.call.query.get("$select", "").lower() and "principal" in context.params
    application = context.world.application(principal.app_id)
    return {
        "id": principal.id,
        "deletedDateTime": None,
        "accountEnabled": principal.enabled,
        "appDisplayName": principal.name,
        "appId": principal.app_id,
        "appOwnerOrganizationId": application.tenant if application else None,
        "createdDateTime": seconds(principal.created),
        "displayName": principal.name,
        "servicePrincipalNames": [principal.app_id],
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMultipleOrgs" if application and application.multi_tenant else "AzureADMyOrg",
        "appRoles": [],
        "keyCredentials": [applications.key_document(key, with_key=with_key) for key in principal.keys],
        "passwordCredentials": [applications.secret_document(secret) for secret in principal.secrets],
    }


def _api_document(context: Context, app: str, name: str) -> dict[str, Any]:
    roles = [
        {"allowedMemberTypes": ["Application"], "displayName": role, "id": guid, "isEnabled": True, "value": role}
        for role, guid in ROLES[app].items()
    ]
    api = principal_of_resource(context.tenant, app)
    return {
        "id": api,
        "accountEnabled": True,
        "appId": app,
        "displayName": name,
        "servicePrincipalType": "Application",
        "appRoles": roles,
        "keyCredentials": [],
        "passwordCredentials": [],
    }


def get(context: Context) -> Reply:
    """``GET /servicePrincipals/{id}``, Microsoft's own APIs included."""
    name = context.params["principal"]
    for resource in RESOURCES:
        if name in (f"appId={resource.app}", principal_of_resource(context.tenant, resource.app)):
            shown = _api_document(context, resource.app, resource.name)
            break
    else:
        shown = document(context, find(context))
    shown = odata.select(shown, context.call.query.get("$select", ""))
    return json_reply(200, {"@odata.context": context.odata("servicePrincipals/$entity"), **shown})


def listing(context: Context) -> Reply:
    """``GET /servicePrincipals``."""
    own = [document(context, item) for item in context.world.every(Principal, context.tenant)]
    items = own + [_api_document(context, resource.app, resource.name) for resource in RESOURCES]
    return json_reply(200, odata.page(context, items, dict, size=100, most=999, path="servicePrincipals"))


def patch(context: Context) -> Reply:
    """``PATCH /servicePrincipals/{id}``: ``accountEnabled`` and ``keyCredentials``."""
    principal, body = find(context), context.body()
    applications.may_write(context, principal)
    if "keyCredentials" in body:
        _unlocked(context, principal)
        keys = applications.keys_from(context, body["keyCredentials"], principal.keys)
        directory.set_credentials(context.world, principal, context.actor(), keys=keys)
    if "accountEnabled" in body:
        if not isinstance(body["accountEnabled"], bool):
            raise bad_request("Invalid value specified for property 'accountEnabled'.", "Request_BadRequest")
        directory.set_enabled(context.world, principal, context.actor(), enabled=body["accountEnabled"])
    return Reply(204)


def _unlocked(context: Context, principal: Principal) -> None:
    """Hold the app instance property lock of a multi-tenant application (section 2.4)."""
    application = context.world.application(principal.app_id)
    if application and application.lock_principals and application.tenant != principal.tenant:
        raise bad_request(
            "Property keyCredentials on the service principal is locked and cannot be updated.",
            "CannotUpdateLockedServicePrincipalProperty",
        )


def delete(context: Context) -> Reply:
    """``DELETE /servicePrincipals/{id}``."""
    directory.remove_principal(context.world, find(context), context.actor())
    return Reply(204)


def add_key(context: Context) -> Reply:
    """``POST /servicePrincipals/{id}/addKey``."""
    return applications.add_key_to(context, _own(context))


def remove_key(context: Context) -> Reply:
    """``POST /servicePrincipals/{id}/removeKey``."""
    return applications.remove_key_from(context, _own(context))


def add_password(context: Context) -> Reply:
    """``POST /servicePrincipals/{id}/addPassword``."""
    principal = find(context)
    _unlocked(context, principal)
    return applications.add_password_to(context, principal)


def remove_password(context: Context) -> Reply:
    """``POST /servicePrincipals/{id}/removePassword``."""
    return applications.remove_password_from(context, find(context))


def _own(context: Context) -> Principal:
    principal = find(context)
    if principal.app_id != context.caller.app_id and not set(_WRITERS) & set(context.caller.roles):
        raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    _unlocked(context, principal)
    return principal


def _assignment(context: Context, principal: Principal, assignment: Assignment) -> dict[str, Any]:
    name = next((known.name for known in RESOURCES if known.app == assignment.resource), assignment.resource)
    return {
        "id": assignment.id,
        "deletedDateTime": None,
        "appRoleId": assignment.role,
        "createdDateTime": seconds(assignment.created),
        "principalDisplayName": principal.name,
        "principalId": principal.id,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": name,
        "resourceId": principal_of_resource(context.tenant, assignment.resource),
    }


def assignments(context: Context) -> Reply:
    """``GET /servicePrincipals/{id}/appRoleAssignments``."""
    principal = find(context)
    shown = [_assignment(context, principal, assignment) for assignment in principal.assignments]
    return json_reply(200, odata.page(context, shown, dict, size=100, most=999, path="appRoleAssignments"))


def assign(context: Context) -> Reply:
    """``POST /servicePrincipals/{id}/appRoleAssignments``: consent."""
    principal, body = find(context), context.body()
    try:
        made = directory.grant(context.world, principal, str(body.get("appRoleId", "")), context.actor())
    except ValueError as error:
        raise bad_request("Not a valid reference update.", "Request_BadRequest") from error
    return json_reply(201, _assignment(context, principal, made))


def unassign(context: Context) -> Reply:
    """``DELETE /servicePrincipals/{id}/appRoleAssignments/{id}``."""
    principal = find(context)
    for assignment in principal.assignments:
        if assignment.id == context.params["assignment"]:
            directory.revoke(context.world, principal, assignment, context.actor())
            return Reply(204)
    raise not_found(context.params["assignment"])


def organization(context: Context) -> Reply:
    """``GET /organization``: the tenant itself; works with any directory role and is a cheap heartbeat."""
    tenant = context.caller.tenant
    domains = [
        {
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": at == 0,
            "isInitial": at == 0,
            "name": name,
            "type": "Managed",
        }
        for at, name in enumerate(tenant.domains)
    ]
    plans = [
        {
            "capabilityStatus": "Enabled",
            "service": "AADPremiumService",
            "servicePlanId": "41781fb2-bc02-4b7c-bd55-b576c07bb09d",
        }
    ]
    value = {
        "id": tenant.id,
        "deletedDateTime": None,
        "displayName": tenant.name,
        "createdDateTime": seconds(tenant.created),
        "tenantType": "AAD",
        "verifiedDomains": domains,
        "assignedPlans": plans if tenant.licensed else [],
    }
    shown = odata.select(value, context.call.query.get("$select", ""))
    return json_reply(200, {"@odata.context": context.odata("organization"), "value": [shown]})


def _user(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "id": mailbox.id,
        "displayName": mailbox.name,
        "mail": mailbox.address,
        "userPrincipalName": mailbox.address,
        "accountEnabled": mailbox.enabled,
    }


def users(context: Context) -> Reply:
    """``GET /users``."""
    items = sorted(context.world.every(Mailbox, context.tenant), key=lambda item: item.address)
    return json_reply(200, odata.page(context, items, _user, size=100, most=999, path="users"))


def user(context: Context) -> Reply:
    """``GET /users/{id}``."""
    found = context.world.mailbox(context.tenant, context.params["user"])
    if found is None:
        raise not_found(context.params["user"])
    shown = odata.select(_user(found), context.call.query.get("$select", ""))
    return json_reply(200, {"@odata.context": context.odata("users/$entity"), **shown})
