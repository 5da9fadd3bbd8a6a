"""Pages of a Graph collection (Microsoft Graph, paging): followed to the end, but never in a circle."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from counterfoil.model.errors import Unavailable
from counterfoil.model.trust import Job
from counterfoil.tenant.door import Ask, Door

MOST_PAGES = 10_000


def items(door: Door, ask: Ask, job: Job) -> Iterator[dict[str, Any]]:
    """Yield the items of every page.

    Raises:
        Unavailable: If a next link repeats, or leads to another host: an answer of that kind cannot be trusted.
    """
    seen = {ask.path}
    for _ in range(MOST_PAGES):
        page = door.read_json(ask, job)
        yield from page.get("value", ())
        link = page.get("@odata.nextLink")
        if link is None:
            return
        path = door.path_of(link, ask.audience)
        if path in seen:
            raise Unavailable("Microsoft 365 answered with a next link that it gave before")
        seen.add(path)
        ask = replace(ask, path=path)
    raise Unavailable(f"a collection has more than {MOST_PAGES} pages")
