"""What a tenant lists is ours by the octets of the certificate, and by nothing that its writer may choose."""

import base64
import hashlib
from uuid import uuid4

import pytest

from counterfoil import clock
from counterfoil.model.errors import Unavailable
from counterfoil.model.trust import Connection, Job
from counterfoil.tenant.registration import Registration

OURS, THIEFS = b"our certificate", b"a thief's certificate"
OUR_SHA1 = hashlib.sha1(OURS, usedforsecurity=False)
CONNECTION = Connection("one", *(str(uuid4()) for _ in range(4)), roles=None)
JOB = Job("j", "inspect", clock.now())


class Answers:
    """A door behind which the application has one keyCredential, and nothing else is."""

    def __init__(self, entry):
        self.entry = entry

    def read_json(self, ask, _job):
        if "/applications/" in ask.path and "$select" in ask.path:
            return {"id": "x", "keyCredentials": [self.entry], "passwordCredentials": []}
        return {"value": []}


def listed(**entry):
    """Read one keyCredential that a tenant lists."""
    (one,) = Registration(Answers({"keyId": "k", "type": "AsymmetricX509Cert", **entry}), CONNECTION).credentials(JOB)
    return one


def mark(octets):
    """The thumbprint that we know a certificate by."""
    return hashlib.sha256(octets).hexdigest().upper()


def test_a_certificate_that_is_shown_is_known_by_its_octets():
    """The SHA-256 of what is in ``key``, whatever else the entry says."""
    shown = listed(key=base64.b64encode(OURS).decode(), customKeyIdentifier="AAAA")
    assert (shown.kind, shown.thumbprint_sha256) == ("certificate", mark(OURS))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"key": base64.b64encode(THIEFS).decode()}, mark(THIEFS)),
        ({"key": None}, None),
        ({}, None),
        ({"key": base64.b64encode(OURS).decode(), "type": "Symmetric"}, None),
    ],
)
@pytest.mark.parametrize("spelt", [base64.b64encode(OUR_SHA1.digest()).decode(), OUR_SHA1.hexdigest().upper()])
def test_an_identifier_that_its_writer_chose_makes_nothing_ours(spelt, more, expected):
    """Whoever adds a credential may set ``customKeyIdentifier`` to our thumbprint: it does not pass for ours.

    Neither does our certificate, which everybody may know, as a symmetric key.
    """
    assert listed(customKeyIdentifier=spelt, **more).thumbprint_sha256 == expected


def test_a_key_that_is_no_base64_stops_the_listing():
    """What cannot be read is never passed over."""
    with pytest.raises(Unavailable, match="cannot be read"):
        listed(key="!")
