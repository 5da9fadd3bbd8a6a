"""The trust side: the signer, how keys are kept, the connections, and what the tenants say of them."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from counterfoil.app import connecting
from counterfoil.app.campaigning import is_control
from counterfoil.app.connecting import Tested
from counterfoil.app.doctor.finding import Finding, Patient, note
from counterfoil.app.flags import FLAGS, flags_of, troubles
from counterfoil.app.heartbeat import HEARTBEAT, beats, mailbox_of
from counterfoil.app.scope import NO_PROBES, Probes, Scope
from counterfoil.app.standing import Standings
from counterfoil.credential.registry import listed, shared
from counterfoil.model.errors import CounterfoilError, Refused
from counterfoil.model.trust import Connection, Credential
from counterfoil.tenant.registry import Connections

AT_ONCE = 8
NOTES = frozenset({"roles-unknown"})


def signer(patient: Patient) -> Iterator[Finding]:
    """Does the signer run, as a user of its own, without a network, and how are its keys kept?"""
    if patient.books is None:
        if Connections(patient.state.ledger).all():
            cause = "it does not answer, so no connection can be used; mail flows all the same"
            yield Finding("signer", cause, "start it: counterfoil signer (docs/faces.md)")
        else:
            yield note("signer", "none runs, and there is no connection that needs one", "docs/first-tenant.md")
        return
    status = patient.books.custodian.status()
    if int(status["uid"]) == os.geteuid():
        cause = "it runs as the same user as we do: who takes over the gateway can read its keys"
        yield note("signer", cause, "give it a user of its own: counterfoil signer --app-user USER --socket PATH")
    for door in status["shield"]["missing"]:
        yield note("signer", f"not in force: {door}", "start it under systemd with PrivateNetwork=yes")
    if any("key-file" in str(kept) for kept in status["keys"]):
        cause = "keys are sealed with a key file that lies beside them: a copy of the folder is a copy of the keys"
        fix = "use a systemd credential (LoadCredentialEncrypted=), --passphrase-file, or --keys pkcs11:…"
        yield note("keys", cause, fix)


def connections(patient: Patient) -> Iterator[Finding]:
    """Is each connection's credential there, its own, fresh; and how do its duties stand?"""
    register = Connections(patient.state.ledger)
    common = shared(listed(patient.state.ledger.engine))
    standings = Standings(patient.data)
    everybody = register.all()
    controlled = {one.tenant_id for one in everybody if is_control(one)}
    for name in sorted({one.tenant for one in everybody} - _with_domains(patient)):
        cause = (
            "it is connected, and has no domain: no mail of it comes here, nor a heartbeat, and no back door is tried"
        )
        yield note(name, cause, f"counterfoil tenant add {name} --domain DOMAIN --next-hop HOST, under the same name")
    for connection in everybody:
        about = f"{connection.tenant} ({connection.app})"
        for flag in flags_of(connection, _current(register, connection), common, patient.now):
            cause, fix = FLAGS[flag]
            told = fix.replace("TENANT", connection.tenant)
            yield note(about, cause, told) if flag in NOTES else Finding(about, cause, told)
        duties = standings.of(connection).duties
        for duty, standing in troubles(duties):
            fix = "see: counterfoil connection status; a tenant whose logs are incomplete is never called clean"
            yield Finding(about, f"{duty}: {standing.state}: {standing.words}", fix)
        if not is_control(connection) and connection.tenant_id not in controlled:
            cause = "its tenant has no control application: we can neither rotate it nor shut it in an incident"
            yield note(about, cause, 'docs/first-tenant.md, "The control application"; else its administrator has to')
        if beats(connection) and HEARTBEAT not in duties:
            cause = "it has made no heartbeat yet: hours without rows of our own prove nothing"
            yield note(about, cause, "run counterfoil serve beside the signer")


def _with_domains(patient: Patient) -> set[str]:
    """Name the tenants of the mail; which are connected is another register, and the name joins the two."""
    return {tenant.name for tenant in patient.state.tenants.all() if tenant.domains}


def _current(register: Connections, connection: Connection) -> Credential | None:
    try:
        return register.current(connection)
    except Refused:
        return None


def tenants(patient: Patient) -> Iterator[Finding]:
    """What do the tenants say? A token for every connection, what was granted, and which credentials are there."""
    books = patient.books
    if books is None or patient.offline:
        return
    register = [c for c in books.connections.all() if _current(books.connections, c) is not None]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for connection, found in zip(register, pool.map(lambda c: _tested(patient, c), register), strict=True):
            about = f"{connection.tenant} ({connection.app})"
            if isinstance(found, str):
                yield Finding(about, found, "try it alone: counterfoil connection test " + connection.tenant)
            else:
                yield from _judged(about, connection, found)


def _tested(patient: Patient, connection: Connection) -> Tested | str:
    assert patient.books is not None
    try:
        # A role in Exchange shows in no token, so the mailbox of the heartbeats is tried as well.
        probes = (
            Probes(inside=mailbox_of(connection, patient.state, patient.config)) if beats(connection) else NO_PROBES
        )
    except Refused:
        probes = NO_PROBES
    try:
        return connecting.test(patient.books, connection, connection.roles or (), "doctor", probes)
    except CounterfoilError as error:
        return error.message if error.hint is None else f"{error.message}; {error.hint}"


def _judged(about: str, connection: Connection, found: Tested) -> Iterator[Finding]:
    again = f"counterfoil connection test {connection.tenant}"
    if not found.works:
        yield Finding(about, found.words, found.hint or again)
        return
    for name in found.unknown or ():
        cause = f"there is a credential that is not ours: {name}"
        yield Finding(about, cause, "ask its administrator; if nobody knows it: counterfoil incident open")
    if found.unknown is None:
        cause = "it may not list the credentials of its own application, so unknown ones stay unseen"
        yield note(about, cause, "grant Application.Read.All, or give the tenant a control application")
    if connection.roles is not None and found.too_much:
        cause = f"more was granted than was entered: {', '.join(found.too_much)}"
        yield Finding(about, cause, "have its administrator take it back, or enter what it needs")
    if found.missing:
        yield Finding(about, f"not granted: {', '.join(found.missing)}", "have its administrator consent again")
    if found.scope is Scope.UNSCOPED:
        cause = "it reaches every mailbox of the tenant"
        fix = (
            "where few are meant, a role in Exchange instead of the app role: "
            f"counterfoil connection plan {connection.tenant} --app {connection.app} --mailboxes GROUP; "
            "then test with --outside"
        )
        yield note(about, cause, fix)
