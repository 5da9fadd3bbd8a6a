"""Verbs and states of an SMTP session (RFC 5321 section 4.1.4), and which verbs end a pipelined group."""

from collections.abc import Mapping
from enum import StrEnum

from counterfoil.gateway.smtp.reply import Reply


class State(StrEnum):
    """Where a session is."""

    NEW = "new"
    GREETED = "greeted"
    SENDER = "sender"
    RECIPIENTS = "recipients"
    CONTENT = "content"
    CLOSED = "closed"


_HELLO_FIRST = Reply(503, "5.5.1", "say EHLO first")
_MAIL_FIRST = Reply(503, "5.5.1", "say MAIL first")
_NESTED = Reply(503, "5.5.1", "there is a transaction already; say RSET to end it")
_NOBODY = Reply(554, "5.5.1", "no valid recipients")
_NOT_HERE = Reply(502, "5.5.1", "not offered here")

_COMMANDS = (State.NEW, State.GREETED, State.SENDER, State.RECIPIENTS)


def _always(step: str | Reply) -> Mapping[State, str | Reply]:
    return dict.fromkeys(_COMMANDS, step)


def _row(*steps: str | Reply) -> Mapping[State, str | Reply]:
    return dict(zip(_COMMANDS, steps, strict=True))


TABLE: Mapping[str, Mapping[State, str | Reply]] = {
    # verb              new           greeted      sender       recipients
    "EHLO": _always("hello"),
    "HELO": _always("hello"),
    "STARTTLS": _row(_HELLO_FIRST, "starttls", _NESTED, _NESTED),
    "MAIL": _row(_HELLO_FIRST, "mail", _NESTED, _NESTED),
    "RCPT": _row(_HELLO_FIRST, _MAIL_FIRST, "rcpt", "rcpt"),
    "DATA": _row(_HELLO_FIRST, _MAIL_FIRST, _NOBODY, "data"),
    "RSET": _always("rset"),
    "NOOP": _always("noop"),
    "QUIT": _always("quit"),
    "VRFY": _always(_NOT_HERE),
    "EXPN": _always(_NOT_HERE),
    "BDAT": _always(_NOT_HERE),
    "HELP": _always(_NOT_HERE),
    "AUTH": _always(_NOT_HERE),
    "TURN": _always(_NOT_HERE),
    "ETRN": _always(_NOT_HERE),
}
"""What a verb does in a state: the name of a step, or the reply that refuses it."""

LAST_OF_GROUP = frozenset({"EHLO", "HELO", "DATA", "STARTTLS", "NOOP", "VRFY", "EXPN", "TURN", "BDAT"})
"""Verbs that a client must wait after (RFC 2920 section 3.1; STARTTLS: RFC 3207 section 4)."""

IDLE = frozenset({"EHLO", "HELO", "NOOP", "RSET"})
"""Verbs that bring no message nearer."""

FOREIGN = frozenset({"GET", "POST", "PUT", "CONNECT", "OPTIONS"})
"""Verbs of a browser that was sent here to talk SMTP: the session ends before its body is read."""
