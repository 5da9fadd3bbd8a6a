from counterfoil.model.dns import Answer, Status
from counterfoil.model.mail import Finding, Severity
from counterfoil.scan import message as module
from counterfoil.scan.message import examine

RAW = b"From: a@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@example.com>\r\n\r\nhello\r\n"


def driven(examination):
    """The result of an examination whose questions all stay unasked."""
    try:
        questions = next(examination)
        while True:
            questions = examination.send(tuple(Answer(Status.NOT_ASKED) for _ in questions))
    except StopIteration as done:
        return done.value


def test_the_scan_names_the_message():
    """Identity, subject and digest are those of the bytes, the subject as a person reads it."""
    scan = driven(examine(RAW, checks=()))
    assert (scan.message_id, scan.subject, scan.size) == ("<1@example.com>", "Grüße", len(RAW))
    assert scan.uninspectable == ()


def test_checks_run_in_order_and_their_findings_are_kept():
    """Every finding of every check is in the scan, in the order of the checks."""

    def named(name):
        return lambda message: [Finding(name, Severity.LOW, f"{len(message.parts)} parts")]

    scan = driven(examine(RAW, checks=(named("one"), named("two"))))
    assert [(one.check, one.summary) for one in scan.findings] == [("one", "1 parts"), ("two", "1 parts")]


def test_a_check_that_raises_makes_the_message_uninspectable():
    """Law 3: an exception is never clean, and what the other checks saw is kept."""

    def broken(message):
        yield Finding("broken", Severity.LOW, "before")
        raise RuntimeError("on purpose")

    scan = driven(examine(RAW, checks=(broken, lambda _: [Finding("after", Severity.LOW, "x")])))
    assert "RuntimeError: on purpose" in scan.uninspectable[0].reason
    assert [one.check for one in scan.findings] == ["broken", "after"]


def test_authentication_that_raises_makes_the_message_uninspectable(monkeypatch):
    """The same holds for sender authentication."""

    def broken(*_, **__):
        raise RuntimeError("on purpose")
        yield

    monkeypatch.setattr(module, "authenticate", broken)
    scan = driven(examine(RAW, checks=()))
    assert "authentication failed: RuntimeError: on purpose" in {one.reason for one in scan.uninspectable}
