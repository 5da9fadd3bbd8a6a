"""Forms as they come in: URL-encoded, of bounded size."""

from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request

from counterfoil.console.deeds import Form

MOST_FORM = 64 * 1024


async def read_form(request: Request) -> Form:
    """Read a URL-encoded form of bounded size.

    Raises:
        HTTPException: If it is larger, or something else.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form was expected")
    octets = bytearray()
    async for piece in request.stream():
        octets += piece
        if len(octets) > MOST_FORM:
            raise HTTPException(413, "the form is too large")
    try:
        values = parse_qs(octets.decode("utf-8"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise HTTPException(400, "the form cannot be read") from None
    return Form({name: value[0] for name, value in values.items()}, tuple(dict.fromkeys(values.get("id", ()))))
