"""Pages are followed to the end, never in a circle, and never to another host."""

import pytest

from counterfoil.model.errors import Unavailable
from counterfoil.tenant.door import Ask
from counterfoil.tenant.pages import items

START = Ask("GET", "/v1.0/things", "none")
GRAPH = "https://graph.example"


class Pages:
    """Stands where a door stands: each path has a page, as a service that misbehaves would give it."""

    def __init__(self, pages):
        self.pages, self.asked = pages, []

    def read_json(self, ask, _job):
        """Return the page of a path."""
        self.asked.append(ask.path)
        return self.pages[ask.path]

    def path_of(self, link, _audience):
        """Return the path of a link, as the door does."""
        return link.removeprefix(GRAPH)


def page(values, after=None):
    """One page, with a next link where there is one."""
    return {"value": values, **({"@odata.nextLink": GRAPH + after} if after else {})}


def test_every_page_is_read_once():
    """Items come in order from all pages."""
    door = Pages({"/v1.0/things": page([1, 2], "/v1.0/things?s=1"), "/v1.0/things?s=1": page([3])})
    assert list(items(door, START, None)) == [1, 2, 3]


@pytest.mark.parametrize("circle", ["/v1.0/things", "/v1.0/things?s=1"])
def test_a_next_link_that_repeats_is_noticed(circle):
    """A link back to a page that was read ends the walk with an error, after each page was asked for once."""
    door = Pages({"/v1.0/things": page([1], "/v1.0/things?s=1"), "/v1.0/things?s=1": page([2], circle)})
    with pytest.raises(Unavailable, match="gave before"):
        list(items(door, START, None))
    assert door.asked == ["/v1.0/things", "/v1.0/things?s=1"]
