"""Containers over HTTPS: whom we ask, what we believe, and that the right to read is told to nobody."""

import http.server
import ssl
import threading
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest

from counterfoil.lab.laboratory import Laboratory
from counterfoil.model.errors import CounterfoilError, Misconfigured, Refused, Unavailable
from counterfoil.tenant.containers import Blob, Container, Store, container_of
from counterfoil.tenant.endpoints import Endpoints
from counterfoil.tenant.token import Means
from counterfoil.tenant.wire import Wire

SECRET = "c2VjcmV0LXNpZ25hdHVyZQ=="
SAS = f"sv=2024-11-04&se=2026-12-01T00%3A00%3A00Z&sr=c&sp=rl&sig={SECRET}"
GOOD = f"https://contoso.blob.core.windows.net/insights-logs-signinlogs?{SAS}"
BLOB = "<Blob><Name>{}</Name><Properties><Etag>0x1</Etag><Content-Length>{}</Content-Length></Properties></Blob>"


@pytest.mark.parametrize(
    "url",
    [GOOD, GOOD.replace(".net/", ".net:443/"), GOOD.replace("windows.net", "chinacloudapi.cn")],
)
def test_a_container_of_a_storage_account_is_taken(url):
    """Microsoft's clouds on the default port; when the SAS ends is read from it."""
    found = container_of(url)

    assert found.ends == datetime(2026, 12, 1, tzinfo=UTC)
    assert found.base.endswith("/insights-logs-signinlogs")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (GOOD.replace("https", "http"), "begin with https"),
        (GOOD.replace("https", "file"), "begin with https"),
        (GOOD.replace("contoso.blob.core.windows.net", "169.254.169.254"), "no storage account"),
        (GOOD.replace("contoso.blob.core.windows.net", "[::1]"), "no storage account"),
        (GOOD.replace("contoso.blob.core.windows.net", "localhost"), "no storage account"),
        (GOOD.replace("contoso.", "evil.example/."), "no storage account"),
        (GOOD.replace("windows.net", "windows.net.evil.example"), "no storage account"),
        (GOOD.replace("contoso.", "a.contoso."), "no storage account"),
        (GOOD.replace(".net/", ".net:8443/"), "no storage account"),
        (GOOD.replace("contoso", "user:word@contoso"), "neither a user"),
        (GOOD.replace("contoso", "evil.example\\@contoso"), "neither a user"),
        (f"{GOOD}#x", "neither a user nor a fragment"),
        (GOOD.replace("/insights-logs-signinlogs", "/a/../b/../../c"), "names no container"),
        (GOOD.replace("/insights-logs-signinlogs", ""), "names no container"),
        (GOOD.replace("sig=", "sag="), "no SAS"),
        ("https://[x/?sig=1", "no URL"),
    ],
)
def test_any_other_place_is_refused_without_quoting_it(url, why):
    """Neither our own machine nor the cloud's metadata nor somebody's server is asked, and no error holds the SAS."""
    with pytest.raises(Misconfigured, match=why) as refusal:
        container_of(url)
    assert SECRET not in f"{refusal.value} {refusal.value.hint}"


def test_a_laboratory_is_asked_where_the_configuration_names_it():
    """Only the very host and port that were named."""
    assert container_of(f"https://localhost:4443/account/logs?{SAS}", "https://localhost:4443").base.endswith("/logs")
    with pytest.raises(Misconfigured, match="no storage account"):
        container_of(f"https://localhost:4444/account/logs?{SAS}", "https://localhost:4443")


def test_the_right_to_read_is_not_shown():
    """Neither the text of a container nor its repr holds the SAS."""
    found = container_of(GOOD)

    assert SECRET not in f"{found} {found!r}"
    assert str(found) == "https://contoso.blob.core.windows.net/insights-logs-signinlogs"


class Hostile(http.server.BaseHTTPRequestHandler):
    """A storage account that answers what a test tells it to, and remembers what it was asked."""

    def do_GET(self):
        asked = parse_qs(urlsplit(self.path).query)
        self.server.asked.append((urlsplit(self.path).path, asked, dict(self.headers)))
        status, headers, body = self.server.answer(self.path, asked)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A laboratory, for its authority."""
    with Laboratory(tmp_path_factory.mktemp("lab"), seed=1) as running:
        yield running


@pytest.fixture
def hostile(lab, tmp_path):
    """A hostile account, a store that reads from it, and the pauses that the store made."""
    identity = lab.certificate(tmp_path, "localhost")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.asked, server.pauses = [], []
    threading.Thread(target=partial(server.serve_forever, poll_interval=0.01), daemon=True).start()
    endpoints = Endpoints(ca=str(lab.endpoints.ca))
    with Wire(endpoints) as wire:
        means = Means(None, wire, endpoints, lambda: datetime(2026, 11, 1, tzinfo=UTC), server.pauses.append)
        server.store = Store(Container(f"https://localhost:{server.server_port}/account/logs", None, SAS), means)
        yield server
    server.shutdown()
    server.server_close()


def listing(blobs="", marker=""):
    """A page of a listing."""
    text = f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
    return 200, {}, text.encode()


def test_pages_are_followed_by_their_markers(hostile):
    """Each page is asked for with the marker of the one before, a version and no more than the SAS."""
    pages = {"": listing(BLOB.format("a", 1), "m&amp;1"), "m&1": listing(BLOB.format("b", 2))}
    hostile.answer = lambda _, asked: pages[asked.get("marker", [""])[0]]

    assert [blob.name for blob in hostile.store.blobs()] == ["a", "b"]
    _, asked, headers = hostile.asked[1]
    assert (asked["comp"], asked["restype"], asked["sig"]) == (["list"], ["container"], [SECRET])
    assert headers["x-ms-version"] == "2024-11-04"


def test_a_marker_that_comes_back_ends_the_listing(hostile):
    """An account that leads in a circle is noticed, and not followed for ever."""
    hostile.answer = lambda _, asked: listing(marker="m2" if asked.get("marker") == ["m1"] else "m1")

    with pytest.raises(Unavailable, match="a marker that it gave before"):
        list(hostile.store.blobs())
    assert len(hostile.asked) == 3


@pytest.mark.parametrize("header", [{"Retry-After": "7"}, {"Retry-After": "Sun, 01 Nov 2026 00:00:07 GMT"}])
def test_it_waits_as_long_as_the_account_says(hostile, header):
    """Busy twice, then well: the pauses are those of Retry-After, in seconds or as a date."""
    answers = [(503, header, b""), (429, header, b""), listing(BLOB.format("a", 1))]
    hostile.answer = lambda *_: answers.pop(0)

    assert len(list(hostile.store.blobs())) == 1
    assert hostile.pauses == [7.0, 7.0]


def test_an_account_that_stays_busy_is_left_alone(hostile):
    """After four tries, or a minute of waiting, the pull ends and comes again later."""
    hostile.answer = lambda *_: (503, {"Retry-After": "40"}, b"")

    with pytest.raises(Unavailable, match="storage account is busy"):
        list(hostile.store.blobs())
    assert hostile.pauses == [40.0]


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        ((302, {"Location": "https://127.0.0.1/latest/meta-data"}, b""), Refused, "sent us elsewhere"),
        (
            (403, {"x-ms-error-code": f"AuthenticationFailed<{SECRET}"}, SECRET.encode()),
            Refused,
            "AuthenticationFailed",
        ),
        ((404, {"x-ms-error-code": "ContainerNotFound"}, b""), Refused, "ContainerNotFound"),
        ((200, {}, b"<EnumerationResults"), Unavailable, "cannot be read"),
        ((200, {}, b'<!DOCTYPE a [<!ENTITY b "c">]><EnumerationResults/>'), Unavailable, "document type"),
        ((200, {}, '<!DOCTYPE a [<!ENTITY b "c">]><E/>'.encode("utf-16")), Unavailable, "cannot be read"),
        (listing(BLOB.format("a", "many")), Unavailable, "cannot be read"),
        (listing("<Blob><Name>a</Name></Blob>"), Unavailable, "cannot be read"),
        ((200, {}, b" " * (33 << 20)), Unavailable, "more than 32 MiB"),
    ],
    ids=["redirect", "refused", "gone", "cut", "entities", "other encoding", "no size", "no etag", "too large"],
)
def test_an_answer_that_cannot_be_believed_is_an_error_without_the_secret(hostile, caplog, answer, error, why):
    """Nothing is followed, expanded or quoted; at the most talkative level the log has no SAS either."""
    caplog.set_level("DEBUG", "counterfoil")
    hostile.answer = lambda *_: answer

    with pytest.raises(error, match=why) as refusal:
        list(hostile.store.blobs())
    assert SECRET not in f"{refusal.value!r} {refusal.value} {refusal.value.hint} {caplog.text}"
    assert len(hostile.asked) == 1


def test_a_blob_comes_in_ranges_of_what_was_listed(hostile, monkeypatch):
    """Each piece is asked for by range and etag, and the pieces are the blob."""
    monkeypatch.setattr("counterfoil.tenant.containers.PIECE", 4)
    content = b"0123456789"

    def answer(*_):
        first, last = hostile.asked[-1][2]["x-ms-range"].removeprefix("bytes=").split("-")
        return 206, {}, content[int(first) : int(last) + 1]

    hostile.answer = answer
    assert b"".join(hostile.store.pieces(Blob("y=2026/a b&c.json", "0x1", 10))) == content
    assert [headers["x-ms-range"] for _, _, headers in hostile.asked] == ["bytes=0-3", "bytes=4-7", "bytes=8-9"]
    assert {headers["if-match"] for _, _, headers in hostile.asked} == {'"0x1"'}
    assert {path for path, _, _ in hostile.asked} == {"/account/logs/y%3D2026%2Fa%20b%26c.json"}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((412, {}, b""), "changed while it was read"),
        ((206, {}, b"abc"), "another range"),
        ((200, {}, b"x" * (5 << 20)), "more than 4 MiB"),
    ],
    ids=["changed", "cut short", "range ignored"],
)
def test_a_blob_that_is_not_what_was_listed_is_not_taken(hostile, answer, why):
    """A change, a short piece and an account that ignores ranges are errors, and the next pull lists anew."""
    hostile.answer = lambda *_: answer

    with pytest.raises(Unavailable, match=why):
        list(hostile.store.pieces(Blob("a", "0x1", 1 << 20)))


def test_a_name_cannot_lead_out_of_the_container(hostile):
    """Dots and slashes of a blob's name, which its writer chose, do not change what is asked for."""
    hostile.answer = lambda *_: (206, {}, b"x")
    list(hostile.store.pieces(Blob("../../other/secret?comp=list#x", "0x1", 1)))

    path, asked, _ = hostile.asked[0]
    assert path == "/account/logs/..%2F..%2Fother%2Fsecret%3Fcomp%3Dlist%23x"
    assert "comp" not in asked


def test_an_account_that_is_not_there_is_named_by_its_host_only(lab):
    """No connection: the error names the host, and neither the container nor the SAS."""
    endpoints = Endpoints(ca=str(lab.endpoints.ca))
    with Wire(endpoints) as wire:
        means = Means(None, wire, endpoints, lambda: datetime(2026, 11, 1, tzinfo=UTC), lambda _: None)
        with pytest.raises(CounterfoilError, match="localhost cannot be reached") as refusal:
            list(Store(Container("https://localhost:1/account/logs", None, SAS), means).blobs())
    assert SECRET not in f"{refusal.value!r} {refusal.value} {refusal.value.__cause__!r}"
