"""The drill: every claim is true, and a claim that is not true fails it."""

import json
import subprocess
import sys

import pytest

from counterfoil.app.drill import claims
from counterfoil.app.drill.claims import Verdict
from counterfoil.app.drill.theft import Truth

TRUTH = Truth(frozenset({"t1"}), frozenset({"t2"}), {"t1": frozenset({"<1@x>"}), "t2": frozenset({"<2@x>"})})


def answer(**changes):
    """An answer that agrees with the truth, with changes by tenant."""
    tenants = {
        "t1": ("touched", "stolen-certificate", ["<1@x>"]),
        "t2": ("touched", "replayed-token", ["<2@x>"]),
        "t3": ("cannot-say", None, []),
        "t4": ("clean", None, []),
    } | changes
    return {
        "summary": {"using": 4},
        "tenants": [
            {
                "tenant": name,
                "state": state,
                "discrepancies": [{"kind": kind}] if kind else [],
                "radius": {"read": {"messages": messages}},
            }
            for name, (state, kind, messages) in tenants.items()
        ],
    }


def differences(document):
    """What the scope differs in."""
    verdict = Verdict()
    claims.scope(verdict, document, TRUTH, 4, ["t3"])
    return verdict.differences


def test_an_answer_that_agrees_differs_in_nothing():
    """The comparison accepts the truth."""
    assert differences(answer()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"t1": ("clean", None, [])}, "touched: claimed ['t2'], in truth ['t1', 't2']"),
        ({"t4": ("touched", "stolen-certificate", [])}, "touched: claimed ['t1', 't2', 't4']"),
        ({"t3": ("clean", None, [])}, "cannot say: claimed [], in truth ['t3']"),
        ({"t2": ("touched", "stolen-certificate", ["<2@x>"])}, "replayed-token: claimed [], in truth ['t2']"),
        ({"t1": ("touched", "stolen-certificate", [])}, "messages read in t1: claimed [], in truth ['<1@x>']"),
    ],
)
def test_each_false_claim_is_told(change, words):
    """A missed theft, a false one, a false clean, a wrong kind and a missed message each differ."""
    assert any(text.startswith(words) for text in differences(answer(**change)))


def test_lost_and_doubled_mail_is_told():
    """The sender's count decides, not our own books."""
    verdict = Verdict()
    claims.mail(verdict, {1, 2}, {2: 2}, 0, {"acknowledged": 2, "unknown": 0})
    assert "mail lost: claimed 0, in truth 1" in verdict.differences
    assert "mail doubled: claimed 0, in truth 1" in verdict.differences


@pytest.mark.timeout(280)
def test_the_whole_story_is_told_true(tmp_path):
    """From a stolen key to proven dead: real signer, gateway, MSAL and SMTP; exit 0 and no difference."""
    line = [sys.executable, "-m", "counterfoil", "drill", "--tenants", "6", "--keep", str(tmp_path / "kept"), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=270, check=False)
    document = json.loads(done.stdout)
    assert document["differences"] == []
    assert done.returncode == 0
    assert len(document["figures"]["touched"]["true"]) == 4
    assert (tmp_path / "kept" / "report.html").read_text().startswith("<!doctype html>")
