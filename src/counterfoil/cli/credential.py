"""``counterfoil credential``: list, create, import, certificate, mark, collect. Keys are made and stay in the signer.

Exit codes: 0 done; 2 refused or wrong, and nothing was changed.
"""

import argparse
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from counterfoil import clock
from counterfoil.app.graveyard import is_negative_control
from counterfoil.cli import credential_standby
from counterfoil.cli.opening import opened_ledger
from counterfoil.cli.output import answer_json, answer_table, answer_text, visible
from counterfoil.cli.parser import add_config
from counterfoil.cli.state import note
from counterfoil.cli.verbs import Run, Verbs, run_verb
from counterfoil.credential.collect import SOCKET, collect
from counterfoil.credential.custodian import Custodian
from counterfoil.credential.registry import certificate_of, find, listed, shared
from counterfoil.ledger.ledger import Ledger
from counterfoil.model.errors import Misconfigured, Refused
from counterfoil.model.instant import rfc3339
from counterfoil.model.mail import Json
from counterfoil.model.trust import Credential, CredentialState
from counterfoil.tenant.registry import Connections

run = run_verb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    parser.epilog = "Exit codes: 0 done; 2 refused or wrong, and nothing was changed."
    verbs = Verbs(parser)
    listing = _verb(verbs, "list", _list, "list credentials, and certificates that several connections share")
    listing.add_argument("--tenant", metavar="TENANT", help="only those of this tenant, by our name for it or its id")
    create = _verb(verbs, "create", _create, "have the signer make a key pair and its certificate")
    _connection_arguments(create)
    create.add_argument("--days", type=int, default=90, metavar="N", help="life of the certificate (default 90)")
    create.add_argument("--standby", action="store_true", help="a standby, its key kept apart from the others")
    adopt = _verb(verbs, "import", _import, "give the signer a key that exists: PKCS #12, or PEM with its certificate")
    _connection_arguments(adopt)
    adopt.add_argument("file", type=Path, metavar="FILE", help="the file; remove it afterwards")
    adopt.add_argument("--passphrase-file", type=Path, metavar="FILE", help="what opens it")
    certificate = _verb(verbs, "certificate", _certificate, "print the certificate to be published, as PEM")
    certificate.add_argument("credential", metavar="CREDENTIAL", help="tenant/app/generation")
    mark = _verb(
        verbs, "mark", _mark, "move a credential to another state; tainted never comes back, dead destroys the key"
    )
    mark.add_argument("credential", metavar="CREDENTIAL", help="tenant/app/generation")
    mark.add_argument("state", choices=[state.value for state in CredentialState], help="its new state")
    standby = _verb(
        verbs, "standby", credential_standby.prepare, "publish a credential beside the one in use, and put it away"
    )
    standby.add_argument("--days", type=int, default=180, metavar="N", help="life of the certificate (default 180)")
    cut_over = _verb(verbs, "cut-over", credential_standby.cut_over, "make the standby the credential in use, at once")
    cut_over.add_argument("--yes", action="store_true", help="do not ask for the tenant's name to be typed")
    for verb in (standby, cut_over):
        verb.add_argument("--tenant", required=True, metavar="NAME", help="the tenant, by our name for it")
        verb.add_argument("--app", metavar="ID", help="which connection, where the tenant has several")
    _verb(verbs, "collect", _collect, "fetch the signer's stubs that the ledger lacks")


def _verb(verbs: Verbs, name: str, run_it: Run, summary: str) -> argparse.ArgumentParser:
    verb = verbs.add(name, run_it, summary)
    add_config(verb)
    verb.add_argument("--socket", type=Path, metavar="PATH", help="the signer's socket (DATA/signer/signer.sock)")
    return verb


def _connection_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenant", required=True, metavar="ID", help="the tenant's id, as in its token endpoint")
    parser.add_argument("--app", required=True, metavar="ID", help="the application's client id")


def _custodian(arguments: argparse.Namespace) -> Custodian:
    return Custodian(arguments.socket or arguments.data / SOCKET)


def _list(arguments: argparse.Namespace) -> int:
    with opened_ledger(arguments) as ledger:
        everything = listed(ledger.engine)
        common = shared(everything)
        names = {one.tenant_id: one.tenant for one in Connections(ledger).all()}
    wanted = arguments.tenant
    found = [one for one in everything if wanted in (None, one.tenant, names.get(one.tenant))]
    if wanted is not None and not found:
        raise Refused(f"no credential is of a tenant {wanted}", "see: counterfoil credential list")
    if arguments.json:
        answer_json(
            [{"name": names.get(c.tenant), **_document(c, is_shared=c.thumbprint_sha256 in common)} for c in found]
        )
        return 0
    rows = [_row(c, names.get(c.tenant, ""), is_shared=c.thumbprint_sha256 in common) for c in found]
    columns = ("name", "tenant", "app", "generation", "state", "until", "SHA-1 thumbprint", "key id", "shared")
    answer_table(columns, rows, "No credentials yet. Make one: counterfoil credential create --tenant ID --app ID")
    if any(map(is_negative_control, found)):
        sys.stderr.write(
            "A control is a key that nobody published, tried first: it must be refused (docs/rotation.md)\n"
        )
    for mark, places in common.items():
        sys.stderr.write(f"The certificate {mark} is on {len(places)} connections: give each a key of its own.\n")
    return 0


def _row(one: Credential, name: str, *, is_shared: bool) -> tuple[str, ...]:
    control = is_negative_control(one)
    return (
        name,
        one.tenant,
        one.app,
        str(one.generation),
        f"{one.state.value}, a control" if control else one.state.value,
        rfc3339(one.not_after),
        one.thumbprint_sha1,
        one.key_id or ("never published" if control else "not known yet"),
        "yes" if is_shared else "",
    )


def _document(one: Credential, *, is_shared: bool) -> dict[str, Json]:
    return {
        "tenant": one.tenant,
        "app": one.app,
        "generation": one.generation,
        "state": one.state.value,
        "control": is_negative_control(one),
        "key": one.key,
        "thumbprint_sha1": one.thumbprint_sha1,
        "thumbprint_sha256": one.thumbprint_sha256,
        "key_id": one.key_id,
        "not_before": rfc3339(one.not_before),
        "not_after": rfc3339(one.not_after),
        "shared": is_shared,
    }


def _next_generation(ledger: Ledger, arguments: argparse.Namespace) -> int:
    collect(ledger, _custodian(arguments), clock.now())
    return max((c.generation for c in listed(ledger.engine, arguments.tenant) if c.app == arguments.app), default=0) + 1


def _note(ledger: Ledger, arguments: argparse.Namespace, action: str, generation: int) -> None:
    note(ledger, action, f"{arguments.tenant}/{arguments.app}/{generation}", arguments.tenant)


def _create(arguments: argparse.Namespace) -> int:
    custodian = _custodian(arguments)
    with opened_ledger(arguments, create=True) as ledger:
        generation = _next_generation(ledger, arguments)
        _note(ledger, arguments, "credential-create", generation)
        made = custodian.certificate(
            arguments.tenant, arguments.app, generation, arguments.days, standby=arguments.standby
        )
        return _made(arguments, ledger, str(made.body["credential"]))


def _import(arguments: argparse.Namespace) -> int:
    try:
        octets = arguments.file.read_bytes()
        secret = arguments.passphrase_file.read_text("utf-8").strip() if arguments.passphrase_file else None
    except OSError as error:
        raise Misconfigured(
            f"{error.filename} cannot be read: {error.strerror}", "give a file that is there"
        ) from error
    with opened_ledger(arguments, create=True) as ledger:
        generation = _next_generation(ledger, arguments)
        _note(ledger, arguments, "credential-import", generation)
        made = _custodian(arguments).adopt(arguments.tenant, arguments.app, generation, octets, secret)
        return _made(arguments, ledger, str(made.body["credential"]))


def _made(arguments: argparse.Namespace, ledger: Ledger, credential: str) -> int:
    collect(ledger, _custodian(arguments), clock.now())
    one, common = find(ledger.engine, credential), shared(listed(ledger.engine))
    is_shared = one.thumbprint_sha256 in common
    if arguments.json:
        answer_json({"credential": credential, **_document(one, is_shared=is_shared)})
    else:
        answer_text(f"{credential} is {one.state.value}, thumbprint {one.thumbprint_sha1}")
        answer_text(f"Publish its certificate: counterfoil credential certificate {credential}")
    if is_shared:
        sys.stderr.write("This certificate is on other connections too: a campaign can give each a key of its own.\n")
    return 0


def _certificate(arguments: argparse.Namespace) -> int:
    with opened_ledger(arguments) as ledger:
        der = certificate_of(ledger.engine, arguments.credential)
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()
    if arguments.json:
        answer_json({"credential": arguments.credential, "certificate": pem})
    else:
        answer_text(pem.rstrip("\n"))
    return 0


def _mark(arguments: argparse.Namespace) -> int:
    custodian = _custodian(arguments)
    with opened_ledger(arguments) as ledger:
        collect(ledger, custodian, clock.now())
        one = find(ledger.engine, arguments.credential)
        note(ledger, "credential-mark", arguments.credential, one.tenant, state=arguments.state)
        custodian.mark(one.tenant, one.app, arguments.credential, CredentialState(arguments.state))
        if arguments.state == CredentialState.DEAD:
            custodian.destroy(one.tenant, one.app, arguments.credential)
        collect(ledger, custodian, clock.now())
    if arguments.json:
        answer_json({"credential": arguments.credential, "state": arguments.state})
    else:
        answer_text(f"{arguments.credential} is {arguments.state}")
    return 0


def _collect(arguments: argparse.Namespace) -> int:
    with opened_ledger(arguments) as ledger:
        got = collect(ledger, _custodian(arguments), clock.now())
    gap = None if got.gap is None else {"since": got.gap.body["since"], "until": got.gap.body["until"]}
    if arguments.json:
        answer_json({"new": got.new, "gap": gap})
        return 0
    answer_text(f"{got.new} new stubs")
    if gap is not None:
        words = f"{gap['since']} to {gap['until']}"
        answer_text(visible(f"some were late: what was done with them from {words} is not known, and shows as a gap"))
    return 0
