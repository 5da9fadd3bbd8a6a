"""Structured header fields (RFC 5322 section 3.2): comments and quoted strings, read to the letter. Pure."""

import re

QUOTED = r'"(?:[^"\\\r\n]|\\[^\r\n])*"'


class Unended(ValueError):
    """A comment or a quoted string has no end."""


def without_comments(text: str) -> str:
    """Put a blank for each comment, nested ones with it; quoted strings are left alone.

    Raises:
        Unended: If a comment or a quoted string has no end.
    """
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in text:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"' and not depth:
            quoted = not quoted
        elif letter == "(" and not quoted:
            depth += 1
            kept.append(" ")
            continue
        elif letter == ")" and depth:
            depth -= 1
            continue
        if not depth:
            kept.append(letter)
    if depth or quoted or escaped:
        raise Unended("a comment or a quoted string has no end")
    return "".join(kept)


def outside_quotes(text: str) -> str:
    """Put as many x for each quoted string, so that places stay and only what stands outside is seen."""
    return re.sub(QUOTED, lambda quoted: "x" * len(quoted[0]), text)
