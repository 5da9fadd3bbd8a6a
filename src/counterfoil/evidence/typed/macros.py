"""How single values are read in SQL: the plain spellings of times, ids and paths, and nothing else.

Each ``*_of`` gives a value or NULL; what is present and gives NULL is no plain spelling, and its file is
refused. The meanings are those of :mod:`counterfoil.evidence.ids`, ``paths`` and ``readers.fields``.
"""

from typing import Final

from counterfoil.evidence.ids import ABSENT
from counterfoil.evidence.paths import READING_POSTS


def _list(words: object) -> str:
    return ", ".join("'" + str(word).replace("'", "''") + "'" for word in words)  # type: ignore[attr-defined]


_ZERO: Final = "00000000-0000-0000-0000-000000000000"
_GUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""How nearly every GUID is spelled: that is seen faster than it is read."""
_SHORT: Final = ABSENT - {_ZERO}
_READING: Final = "|".join(word.replace("$", "[$]") for word in READING_POSTS)

MACROS: Final = (
    f"said(x) AS CASE WHEN length(x) <= 9 AND lower(x) IN ({_list(sorted(_SHORT))}) THEN NULL"
    f" WHEN x = '{_ZERO}' THEN NULL ELSE x END",
    # Free text is left to the other readers where it would be trimmed, or is an object where text was meant.
    "loose(x) AS x IS NOT NULL AND (left(x, 1) <= ' ' OR right(x, 1) <= ' ' OR left(x, 1) IN ('{', '['))",
    f"guid_of(x) AS CASE WHEN regexp_full_match(x, '{_GUID}') THEN x"
    " WHEN CAST(try_cast(x AS UUID) AS VARCHAR) = lower(x) THEN lower(x) END",
    "bare(x) AS replace(x, '-', '')",
    # Seconds, up to nine decimals of which six count, UTC with or without its letter.
    r"time_of(x) AS CASE WHEN regexp_full_match(x, '\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?Z?')"
    r" THEN try_cast(x AS TIMESTAMP) END",
    # The 16 octets of a token id are a GUID in .NET order: the first three groups are reversed. Text with dashes.
    "little(g) AS substr(g, 7, 2) || substr(g, 5, 2) || substr(g, 3, 2) || substr(g, 1, 2) || substr(g, 12, 2)"
    " || substr(g, 10, 2) || substr(g, 17, 2) || substr(g, 15, 2) || substr(g, 20, 4) || substr(g, 25)",
    "octets_of(x) AS CASE WHEN regexp_full_match(x, '[A-Za-z0-9_-]{21}[AQgw](==)?') THEN"
    " CAST(CAST(from_base64(replace(replace(left(x, 22), '-', '+'), '_', '/') || '==') AS UUID) AS VARCHAR) END",
    # The spelling of 2022: base64 of the GUID's text.
    "written_of(x) AS CASE WHEN length(x) = 48 AND regexp_full_match(x, '[A-Za-z0-9+/]+')"
    " THEN CAST(from_base64(x) AS VARCHAR) END",
    "print_of(x, n) AS CASE WHEN length(x) = n AND regexp_full_match(x, '[0-9a-fA-F]+') THEN upper(x) END",
    # An address with a port, as Exchange's own rows have it, is no plain spelling.
    r"address_of(x) AS CASE WHEN regexp_full_match(x, '\d+\.\d+\.\d+\.\d+|[0-9a-fA-F:]+') THEN x END",
    r"uri_plain(x) AS regexp_full_match(x, '(https?://[A-Za-z0-9.-]+(:\d+)?)?/[!-\x22\x24->@-~]*([?#](?s:.)*)?')"
    r" AND left(x, 2) <> '//' AND (NOT contains(x, '%') OR"
    r" NOT regexp_matches(x, '^[^?#]*%([^2-7]|.[^0-9A-Fa-f]|.?$|7[Ff]|.?[?#])'))",
    # Most of what is asked for: Graph's own host, nothing that has to be decoded; the path below the version.
    r"direct_of(x) AS CASE WHEN regexp_full_match(x, 'https://graph[.]microsoft[.]com/v1[.]0"
    r"/[!-\x22$&->@-~]*[!-\x22$&-.0->@-~]([?](?s:.)*)?') THEN CASE WHEN contains(x, '?')"
    r" THEN split_part(substr(x, 33), '?', 1) ELSE substr(x, 33) END END",
    "asked_of(x) AS split_part(split_part(x, '?', 1), '#', 1)",
    # The host ends at the first slash after eight letters: "https://" has eight, "http://h" too.
    "below_host(p) AS CASE WHEN left(p, 4) = 'http' THEN substr(p, 8 + strpos(substr(p, 9), '/')) ELSE p END",
    "decoded(p) AS CASE WHEN contains(p, '%') THEN url_decode(p) ELSE p END",
    "ended(p) AS CASE WHEN right(p, 1) = '/' THEN rtrim(p, '/') ELSE p END",
    "unversioned(p) AS CASE WHEN left(p, 6) = '/v1.0/' THEN substr(p, 6) WHEN left(p, 2) IN ('/v', '/V', '/b', '/B')"
    r" THEN regexp_replace(p, '^/(?:v1\.0|beta)(/|$)', '\1', 'i') ELSE p END",
    f"effect_of(m, p) AS CASE WHEN m IN ('GET', 'HEAD', 'OPTIONS') THEN 'read'"
    f" WHEN m = 'POST' AND regexp_matches(lower(p), '({_READING})$') THEN 'read'"
    " WHEN m IS NOT NULL THEN 'change' ELSE 'none' END",
)
"""Macros to create, in this order. None calls another: what a macro repeats would be computed again each time."""
