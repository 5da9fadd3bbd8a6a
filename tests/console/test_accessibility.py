"""Pages that a keyboard, a screen reader and weak eyes can use: labels, headings, landmarks, contrast (WCAG 2.2 AA)."""

import re
from importlib.resources import files
from itertools import pairwise

import pytest
from tests.console.house import House, post
from tests.console.reader import read

PAGES = ("/", "/messages", "/messages/acme-1", "/quarantine", "/quarantine/acme-2", "/tenants", "/tenants/acme")
PAGES += (
    "/credentials",
    "/campaigns",
    "/campaigns/spring",
    "/incidents",
    "/ledger",
    "nowhere",
    "/log-in",
    "text",
    "sure",
)
CSS = files("counterfoil.console").joinpath("static/console.css").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, house: House) -> str:
    """Each page as HTML; also those that only a form leads to."""
    client = house.browser("chief")
    if request.param == "text":
        return post(client, "/quarantine/acme-2/text").text
    if request.param == "sure":
        return post(client, "/quarantine/delete", {"id": "acme-2"}).text
    if request.param == "nowhere":
        return client.get("/messages/nowhere").text
    return client.get(request.param).text


def test_every_page_has_a_language_a_title_landmarks_and_a_way_past_the_menu(page: str):
    """One main part that the first link skips to, one first heading, a title that is not empty."""
    tags = read(page).tags
    names = [tag for tag, _ in tags]
    assert dict(tags)["html"]["lang"] == "en"
    assert names.count("main") == names.count("h1") == names.count("title") == 1
    assert "Counterfoil" in page.split("<title>")[1].split("</title>", maxsplit=1)[0]
    first = next(attributes for tag, attributes in tags if tag == "a")
    main = next(attributes for tag, attributes in tags if tag == "main")
    assert first["href"] == f"#{main['id']}"
    assert 'content="width=device-width, initial-scale=1"' in page
    assert "user-scalable" not in page


def test_headings_skip_no_level(page: str):
    """From the first heading down, step by step."""
    levels = [int(tag[1]) for tag, _ in read(page).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_control_has_a_name(page: str):
    """By a label or in words; buttons and links by their text."""
    tags = read(page).tags
    labels = {attributes.get("for") for tag, attributes in tags if tag == "label"}
    for tag, attributes in tags:
        if tag in {"input", "select", "textarea"} and attributes.get("type") != "hidden":
            assert attributes.get("aria-label") or attributes.get("id") in labels, attributes
    for inside in re.findall(r"<(?:a|button)\b[^>]*>(.*?)</(?:a|button)>", page, re.DOTALL):
        assert re.sub("<[^>]+>", "", inside).strip()


def test_ids_are_there_once_and_what_is_named_is_there(page: str):
    """No two things share an id; every reference leads to something."""
    tags = read(page).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in tags:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert attributes.get(name) is None or attributes[name] in ids


def test_tables_say_what_their_columns_are(page: str):
    """Every table is named, and every heading says that it is one."""
    for tag, attributes in read(page).tags:
        if tag == "table":
            assert attributes.get("aria-labelledby")
        if tag == "th":
            assert attributes.get("scope") == "col"


def colours(dark: bool) -> dict[str, str]:
    """Read the variables of a scheme."""
    light, _, rest = CSS.partition("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", light))
    return found | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", rest)) if dark else found


def contrast(one: str, other: str) -> float:
    """Compute the contrast ratio of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    ("ink", "paper", "least"),
    [
        ("ink", "paper", 4.5),
        ("ink", "raised", 4.5),
        ("soft", "paper", 4.5),
        ("soft", "raised", 4.5),
        ("link", "paper", 4.5),
        ("link", "raised", 4.5),
        ("on-accent", "accent", 4.5),
        ("good-ink", "good-paper", 4.5),
        ("watch-ink", "watch-paper", 4.5),
        ("bad-ink", "bad-paper", 4.5),
        ("plain-ink", "plain-paper", 4.5),
        ("focus", "paper", 3.0),
        ("focus", "raised", 3.0),
    ],
)
def test_contrast(dark: bool, ink: str, paper: str, least: float):
    """Text against what it stands on, and the focus ring against what is around it, light and dark."""
    found = colours(dark)
    assert contrast(found[ink], found[paper]) >= least


def test_contrast_is_computed_as_the_standard_does():
    """Black on white is 21 to 1, and #767676 on white is the well-known 4.54."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
