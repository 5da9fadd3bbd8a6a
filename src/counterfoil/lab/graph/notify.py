"""Change notifications that fall due when mail changes (section 4.7); another module posts them."""

import json
from typing import Any

from counterfoil.lab import item_ids, mailboxes
from counterfoil.lab.objects import Folder, Mailbox, Message, Subscription
from counterfoil.lab.spelling import ticks
from counterfoil.lab.wire import Errand
from counterfoil.lab.world import World


def arrive(world: World, mailbox: Mailbox, mime: bytes, now: float) -> Message:
    """Put a new message into an inbox and tell the subscribers."""
    inbox = mailboxes.named(world, mailbox, "\\Inbox")
    item = mailboxes.store(world, inbox, mime, now)
    changed(world, mailbox, item, "created", now)
    return item


def changed(world: World, mailbox: Mailbox, item: Message, change: str, now: float) -> None:
    """Queue a notification for every live subscription that covers the change."""
    place = world.get(Folder, item.folder)
    for subscription in world.every(Subscription, mailbox.tenant):
        covered = subscription.mailbox == mailbox.id and subscription.folder in {"", place.id if place else ""}
        if covered and subscription.expires > now and change in subscription.change_types:
            world.notices.append(_errand(subscription, item, change))


def _errand(subscription: Subscription, item: Message, change: str) -> Errand:
    name = item_ids.item_id(item, immutable=subscription.immutable)
    resource = f"Users/{subscription.mailbox}/Messages/{name}"
    etag = f'W/"{mailboxes.change_key(item)}"'
    data = {"@odata.type": "#Microsoft.Graph.Message", "@odata.id": resource, "@odata.etag": etag, "id": name}
    notice = {**_head(subscription), "changeType": change, "resource": resource, "resourceData": data}
    return Errand(
        subscription.notification_url,
        json.dumps({"value": [notice]}).encode(),
        "application/json; charset=utf-8",
        subscription=subscription.id,
    )


def _head(subscription: Subscription) -> dict[str, Any]:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": ticks(subscription.expires),
        "clientState": subscription.client_state,
        "tenantId": subscription.tenant,
    }


def lifecycle(subscription: Subscription, event: str) -> Errand | None:
    """Make a life-cycle notice: ``reauthorizationRequired``, ``subscriptionRemoved`` or ``missed``."""
    if not subscription.lifecycle_url:
        return None
    notice = {**_head(subscription), "lifecycleEvent": event}
    return Errand(
        subscription.lifecycle_url, json.dumps({"value": [notice]}).encode(), "application/json; charset=utf-8"
    )


def missed(world: World, errand: Errand) -> None:
    """Queue a ``missed`` for the subscription whose notification was not taken; one that was not is not told again."""
    subscription = world.get(Subscription, errand.subscription or "")
    notice = None if subscription is None else lifecycle(subscription, "missed")
    if notice is not None:
        world.notices.append(notice)


def sweep(world: World, now: float) -> None:
    """Remind of subscriptions that end soon, remove those that have ended."""
    for subscription in world.every(Subscription):
        if subscription.expires <= now:
            world.remove(subscription)
            event = lifecycle(subscription, "subscriptionRemoved")
        elif subscription.expires - now < 900 and not subscription.reminded:
            subscription.reminded = True
            world.put(subscription)
            event = lifecycle(subscription, "reauthorizationRequired")
        else:
            continue
        if event is not None:
            world.notices.append(event)
