"""Results of sender authentication as findings."""

import pytest
from tests.scan.making import message

from counterfoil.model.mail import Authentication
from counterfoil.scan.checks.authentication import check


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ({"spf": "fail"}, [("spf", "low")]),
        ({"dkim": "fail"}, [("dkim", "low")]),
        ({"dmarc": "fail"}, [("dmarc", "medium")]),
        ({"dmarc": "fail", "spf": "fail", "dkim": "fail"}, [("dmarc", "medium"), ("spf", "low"), ("dkim", "low")]),
        ({"dmarc": "permerror"}, [("dmarc", "low")]),
        ({"spf": "softfail", "dkim": "none", "dmarc": "none", "arc": "fail"}, []),
        ({"spf": "temperror", "dmarc": "temperror"}, []),
        ({"spf": "pass", "dkim": "pass", "dmarc": "pass", "arc": "pass"}, []),
        ({}, []),
    ],
)
def test_only_failures_are_findings(results, found):
    """A failed DMARC is the owner's word; SPF or DKIM alone break in honest forwarding."""
    findings = list(check(message(authentication=Authentication(**results))))
    assert [(one.evidence["method"], str(one.severity)) for one in findings] == found


@pytest.mark.parametrize(("policy", "severity"), [("reject", "high"), ("quarantine", "medium"), ("none", "low")])
def test_a_failed_dmarc_weighs_what_the_owner_asks_for(policy, severity):
    """The domain owner's published policy says how sure the owner is."""
    results = Authentication(dmarc="fail", detail={"dmarc": {"policy": policy}})
    (found,) = check(message(authentication=results))
    assert str(found.severity) == severity
