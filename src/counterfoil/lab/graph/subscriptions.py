"""Change notification subscriptions: made after both URLs answered the validation, renewed, deleted."""

import re
from typing import Any
from urllib.parse import quote, urlsplit

from counterfoil.lab import mailboxes
from counterfoil.lab.graph import odata
from counterfoil.lab.graph.context import Context, GraphError, bad_request, field, not_found
from counterfoil.lab.objects import Subscription
from counterfoil.lab.spelling import parse, ticks
from counterfoil.lab.wire import Errand, Pending, Reply, json_reply

_RESOURCE = re.compile(r"^/?users/([^/]+)(?:/mailfolders(?:\('([^']+)'\)|/([^/]+)))?/messages(?:\?.*)?$", re.IGNORECASE)


def document(subscription: Subscription) -> dict[str, Any]:
    """Shape a subscription; the client state is not shown again."""
    return {
        "id": subscription.id,
        "resource": subscription.resource,
        "applicationId": subscription.app_id,
        "changeType": ",".join(subscription.change_types),
        "clientState": None,
        "notificationUrl": subscription.notification_url,
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": subscription.lifecycle_url,
        "expirationDateTime": ticks(subscription.expires),
        "creatorId": subscription.principal,
        "includeResourceData": None,
        "latestSupportedTlsVersion": "v1_2",
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
    }


def listing(context: Context) -> Reply:
    """``GET /subscriptions``: those of this application in this tenant."""
    own = [item for item in context.world.every(Subscription, context.tenant) if item.app_id == context.caller.app_id]
    return json_reply(200, odata.page(context, own, document, size=100, most=999, path="subscriptions"))


def _find(context: Context) -> Subscription:
    found = context.world.get(Subscription, context.params["subscription"])
    if found is None or found.tenant != context.tenant or found.app_id != context.caller.app_id:
        raise not_found(context.params["subscription"])
    return found


def get(context: Context) -> Reply:
    """``GET /subscriptions/{id}``."""
    return json_reply(200, {"@odata.context": context.odata("subscriptions/$entity"), **document(_find(context))})


def _expiry(context: Context, body: dict[str, Any]) -> float:
    """Read when it ends: too long is refused, too short is raised to 45 minutes."""
    try:
        asked = parse(str(body.get("expirationDateTime", "")))
    except ValueError as error:
        raise bad_request("Invalid expirationDateTime.", "ExtensionError") from error
    now = context.call.now
    longest = float(context.world.dial(context.tenant, "subscription_minutes"))
    if asked > now + longest * 60:
        raise bad_request(f"Subscription expiration can only be {longest:.0f} minutes in the future.", "ExtensionError")
    if asked <= now:
        raise bad_request("Subscription expiration must be in the future.", "ExtensionError")
    return max(asked, now + float(context.world.dial(context.tenant, "subscription_minimum_minutes")) * 60)


def create(context: Context) -> Pending:
    """``POST /subscriptions``: each URL must answer its validation token within 10 seconds."""
    subscription = _read(context, context.body())
    urls = [url for url in (subscription.notification_url, subscription.lifecycle_url) if url]
    errands = tuple(_validation(context, url) for url in dict.fromkeys(urls))

    def finish(answers: list[bool]) -> Reply:
        if not all(answers):
            message = (
                "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation "
                "request."
            )
            return bad_request(message, "ValidationError").reply(context.call)
        context.world.put(subscription)
        return json_reply(201, {"@odata.context": context.odata("subscriptions/$entity"), **document(subscription)})

    return Pending(errands, finish)


def _validation(context: Context, url: str) -> Errand:
    token = f"Validation: Testing client application reachability for subscription Request-Id: {context.world.guid()}"
    joined = f"{url}{'&' if urlsplit(url).query else '?'}validationToken={quote(token, safe='')}"
    return Errand(joined, b"", "text/plain; charset=utf-8", expect=token)


def _read(context: Context, body: dict[str, Any]) -> Subscription:
    found = _RESOURCE.match(str(body.get("resource", "")))
    if found is None:
        raise bad_request(f"Resource '{body.get('resource')}' is not supported.", "ExtensionError")
    mailbox = context.world.mailbox(context.tenant, found[1])
    if mailbox is None:
        raise GraphError(404, "ResourceNotFound", "Resource not found for the subscription.")
    if not {"Mail.Read", "Mail.ReadWrite"} & set(context.caller.roles):
        raise GraphError(
            403, "ExtensionError", "Operation: Create; Exception: [Status Code: Forbidden; Reason: Access is denied.]"
        )
    wanted = found[2] or found[3]
    place = mailboxes.folder(context.world, mailbox, wanted) if wanted else None
    if wanted and place is None:
        raise GraphError(404, "ResourceNotFound", "Resource not found for the subscription.")
    types = [kind.strip() for kind in str(body.get("changeType", "")).split(",")]
    if not set(types) <= {"created", "updated", "deleted"}:
        raise bad_request("Invalid changeType.", "InvalidRequest")
    for name in ("notificationUrl", "lifecycleNotificationUrl"):
        _check_url(name, field(body, name, str, ""), needed=name == "notificationUrl")
    principal = context.caller.principal
    return Subscription(
        id=context.world.guid(),
        tenant=context.tenant,
        app_id=context.caller.app_id,
        principal=principal.id if principal else "",
        mailbox=mailbox.id,
        folder=place.id if place else "",
        resource=str(body["resource"]),
        change_types=types,
        notification_url=str(body["notificationUrl"]),
        lifecycle_url=field(body, "lifecycleNotificationUrl", str, "") or None,
        client_state=field(body, "clientState", str, "") or None,
        expires=_expiry(context, body),
        immutable=context.immutable,
    )


def _check_url(name: str, url: str, *, needed: bool) -> None:
    """Hold that a URL is https.

    Raises:
        GraphError: 400.
    """
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if (url or needed) and scheme != "https":
        raise bad_request(f"The '{name}' must be an https URL.", "InvalidRequest")


def renew(context: Context) -> Reply:
    """``PATCH /subscriptions/{id}``."""
    found = _find(context)
    found.expires = _expiry(context, context.body())
    found.reminded = False
    context.world.put(found)
    return json_reply(200, {"@odata.context": context.odata("subscriptions/$entity"), **document(found)})


def reauthorize(context: Context) -> Reply:
    """``POST /subscriptions/{id}/reauthorize``."""
    found = _find(context)
    found.reminded = False
    context.world.put(found)
    return Reply(200)


def delete(context: Context) -> Reply:
    """``DELETE /subscriptions/{id}``."""
    context.world.remove(_find(context))
    return Reply(204)
