"""One command line taken apart (RFC 5321 section 4.1.1; parameters RFC 1870, 6152, 6531)."""

import re
from dataclasses import dataclass

from counterfoil.gateway.smtp.address import POSTMASTER, BadAddress, mailbox, path
from counterfoil.gateway.smtp.events import Mail, Recipient
from counterfoil.gateway.smtp.reply import Reply

_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?")
_HELO_NAME = re.compile(r"[!-~]{1,255}")


class BadCommand(Exception):
    """A command that is not well formed; ``reply`` is the answer to it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Command:
    """A verb in upper case and what follows it."""

    verb: str
    argument: str


def parse(line: bytes) -> Command:
    """Split a line (without its CRLF) into verb and argument.

    Raises:
        BadCommand: If it holds control characters or is no UTF-8.
    """
    if any(octet < 0x20 or octet == 0x7F for octet in line):
        raise BadCommand(Reply(500, "5.5.2", "control characters in a command"))
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise BadCommand(Reply(500, "5.5.2", "a command is ASCII, or UTF-8 with SMTPUTF8")) from error
    verb, _, argument = text.partition(" ")
    return Command(verb.upper() if verb.isascii() else verb, argument.rstrip(" "))


def helo_name(argument: str) -> str:
    """Return the name that a client gives itself: any printable word, as real clients send anything.

    Raises:
        BadCommand: If there is none.
    """
    if not _HELO_NAME.fullmatch(argument):
        raise BadCommand(Reply(501, "5.5.4", "say your host name"))
    return argument


def mail(argument: str) -> Mail:
    """Read the argument of MAIL.

    Raises:
        BadCommand: With the reply that says what is wrong.
    """
    address, parameters = _path_and_parameters(argument, "FROM:")
    size = parameters.pop("SIZE", "0")
    body = parameters.pop("BODY", "7BIT")
    utf8 = "SMTPUTF8" in parameters
    if parameters.pop("SMTPUTF8", None) is not None:
        raise BadCommand(Reply(501, "5.5.4", "SMTPUTF8 takes no value"))
    if parameters:
        raise BadCommand(Reply(555, "5.5.4", "a parameter that is not offered here"))
    if size is None or not (size.isascii() and size.isdigit() and len(size) <= 20):
        raise BadCommand(Reply(501, "5.5.4", "SIZE takes a number of octets"))
    if body is None or body.upper() not in ("7BIT", "8BITMIME"):
        raise BadCommand(Reply(501, "5.5.4", "BODY is 7BIT or 8BITMIME"))
    if address:
        _check(address, utf8=utf8, code="5.1.7")
    return Mail(address, int(size), eight_bit=body.upper() == "8BITMIME", utf8=utf8)


def recipient(argument: str, *, utf8: bool) -> Recipient:
    """Read the argument of RCPT.

    Raises:
        BadCommand: With the reply that says what is wrong.
    """
    address, parameters = _path_and_parameters(argument, "TO:")
    if parameters:
        raise BadCommand(Reply(555, "5.5.4", "a parameter that is not offered here"))
    if address.lower() != POSTMASTER:
        _check(address, utf8=utf8, code="5.1.3")
    return Recipient(address)


def _check(address: str, *, utf8: bool, code: str) -> None:
    try:
        mailbox(address, utf8=utf8)
    except BadAddress as error:
        raise BadCommand(Reply(553, "5.6.7" if "SMTPUTF8" in str(error) else code, str(error))) from error


def _path_and_parameters(argument: str, keyword: str) -> tuple[str, dict[str, str | None]]:
    if argument[: len(keyword)].upper() != keyword:
        raise BadCommand(Reply(501, "5.5.4", f"say {keyword}<address>"))
    try:
        address, rest = path(argument[len(keyword) :])
    except BadAddress as error:
        raise BadCommand(Reply(501, "5.5.2", str(error))) from error
    if rest and not rest.startswith(" "):
        raise BadCommand(Reply(501, "5.5.2", "a blank stands between address and parameters"))
    parameters: dict[str, str | None] = {}
    for word in rest.split():
        found = _PARAMETER.fullmatch(word)
        if found is None:
            raise BadCommand(Reply(501, "5.5.4", "a parameter is KEYWORD or KEYWORD=value"))
        if found[1].upper() in parameters:
            raise BadCommand(Reply(501, "5.5.4", "a parameter given twice"))
        parameters[found[1].upper()] = found[2]
    return address, parameters
