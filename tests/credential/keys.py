"""What the tests of the signer share: a credential's names, a key to import, and the way to a dead credential."""

import base64
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil import clock
from counterfoil.credential.certificate import make_certificate
from counterfoil.model.trust import CredentialState, Job
from tests.credential.conftest import APP, AUDIENCE, TENANT

JOB = Job("job-1", "verify", clock.now())
NAME = f"{TENANT}/{APP}/1"
WHO = (TENANT, APP, NAME)


def certificate_in(stub) -> x509.Certificate:
    """Read the certificate that a stub carries."""
    return x509.load_der_x509_certificate(base64.b64decode(stub.body["certificate"]))


def pem(days: int = 30) -> bytes:
    """Make what an administrator would import."""
    key = rsa.generate_private_key(65537, 2048)
    now = clock.now()
    der = make_certificate(
        key.public_key(),
        lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256()),
        name="imported",
        serial=1,
        not_before=now - timedelta(hours=1),
        not_after=now + timedelta(days=days),
    )
    certificate = x509.load_der_x509_certificate(der)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def lay_to_rest(signer, tenant=TENANT, generation=1) -> tuple[str, str, str]:
    """Taint a credential, put it to the death test, mark it dead; return who it was."""
    who = (tenant, APP, f"{tenant}/{APP}/{generation}")
    signer.custodian.mark(*who, CredentialState.TAINTED)
    signer.client.death_test(*who, AUDIENCE.replace(TENANT, tenant), Job("job-9", "prove-dead", clock.now()))
    signer.custodian.mark(*who, CredentialState.DEAD)
    return who
