"""Cells of a CSV file that a person will open in a spreadsheet, which runs what looks like a formula. Pure."""

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutral(text: str) -> str:
    """Return the text so that no spreadsheet runs it: an apostrophe goes before what would (OWASP, CSV injection).

    Blanks in front are looked through, since some programs drop them; a NUL ends a cell in others and is taken out.
    """
    plain = text.replace("\0", "")
    return f"'{plain}" if plain.lstrip(" \u00a0\ufeff").startswith(_RUNS) or plain.startswith(_RUNS) else plain
