"""The closed set of what may be understood in several ways (law 4); each name stands once, with its meaning.

``mime:`` is about the message, ``content:`` about bytes whatever carried them; containers add their own
oddities, which their unpackers document in ``ODDITIES``.
"""

from typing import Final

AMBIGUITIES: Final = {
    "mime:bom": "a byte order mark stands before the first header field",
    "mime:bare-cr": "a carriage return alone, which some programs take for a line end, stands in a header or boundary",
    "mime:nul": "a header holds NUL octets",
    "mime:damaged-field-name": "a MIME header field has a name that only some programs recognise",
    "mime:folded-field": "a line that looks like a MIME header field is the continuation of another field",
    "mime:body-before-header": "header fields stand where the header has already ended, or it does not end at all",
    "mime:duplicate-content-type": "Content-Type occurs several times, or holds several values, that differ",
    "mime:duplicate-content-transfer-encoding": "Content-Transfer-Encoding occurs several times, with different values",
    "mime:duplicate-content-disposition": "Content-Disposition occurs several times, with different values",
    "mime:odd-content-type": "Content-Type is not in the grammar of RFC 2045 section 5.1",
    "mime:conflicting-names": "the file name of a part depends on who reads it",
    "mime:duplicate-boundary": "several boundaries are declared, and more than one of them is used",
    "mime:odd-boundary": "the boundary is written so that programs read different values",
    "mime:missing-boundary": "a multipart declares no boundary, or one that does not occur",
    "mime:undeclared-boundary": "lines divide the body like a boundary that nothing declares",
    "mime:boundary-prefix": "delimiter lines go on behind the boundary: programs disagree whether they delimit",
    "mime:unclosed-multipart": "a multipart ends without its closing delimiter",
    "mime:text-around-parts": "a multipart has content before its first or after its last part",
    "mime:unknown-encoding": "the Content-Transfer-Encoding is none that RFC 2045 defines",
    "mime:encoded-composite": "a multipart or message is encoded, which RFC 2045 section 6.4 forbids",
    "mime:base64-junk": "base64 holds characters that are none, or padding before its end",
    "mime:quoted-printable-junk": "quoted-printable holds sequences that are none",
    "mime:inline-encoding": "text holds a file as uuencode, yEnc or BinHex",
    "mime:charset": "the text reads differently in the declared and in another character set",
    "mime:partial": "a fragment of a message, which only the recipient's client puts together (RFC 2046 section 5.2.2)",
    "mime:external-body": "the contents are elsewhere, fetched by the recipient's client (RFC 2046 section 5.2.3)",
    "content:polyglot": "the bytes are valid as several types",
}
"""Name to meaning."""

ORDINARY: Final = frozenset(
    {
        "mime:unclosed-multipart",
        "mime:inline-encoding",
        "mime:undeclared-boundary",
        "mime:text-around-parts",
        "mime:conflicting-names",
    }
)
"""Those that honest mail shows now and then."""
