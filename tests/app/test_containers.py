"""Pulling a customer's container: each blob once, resumable, bounded, and with nothing of the SAS anywhere."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from tests.app.laboratory import place

from counterfoil import clock
from counterfoil.app import containers
from counterfoil.app.containers import pull_containers, read_containers
from counterfoil.app.pulling import EVIDENCE
from counterfoil.config.settings import Evidence
from counterfoil.model.errors import Misconfigured, Unavailable
from counterfoil.tenant.containers import Store, container_of
from counterfoil.tenant.door import Door
from counterfoil.tenant.mail import Mail
from counterfoil.tenant.token import Tokens


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """One laboratory and one connected tenant that reads mail and may read none of its logs by itself."""
    with place(tmp_path_factory.mktemp("containers")) as made:
        made.one = made.register("one", "mail", ["Mail.Read"])
        made.lab.add_mailbox(made.one.tenant_id, "alice@one.example")
        made.connect(made.one)
        yield made


def url(at, category="serviceprincipalsigninlogs", **more):
    """A SAS as the customer gives it."""
    given = {"tenant": at.one.tenant_id, "container": f"insights-logs-{category}", **more}
    return at.lab.endpoints.blob + at.lab.operate("container_sas", **given)["path"]


def container(at, **more):
    """The same, read."""
    return container_of(url(at, **more), at.lab.endpoints.blob)


def read_one(at):
    """Read one fresh message, so that there are new rows in the logs."""
    at.put_mail(at.one.tenant_id, "alice@one.example", f"m{clock.now():%H%M%S%f}")
    current = at.books.connections.current(at.one)
    door = Door(Tokens(at.one, current, at.books.through.for_use, at.books.means))
    Mail(door).heartbeat("alice@one.example", at.books.new_job("heartbeat", "one"), set())


def pulled(at, folder, *which):
    """Pull these containers now."""
    return pull_containers(which or (container(at),), at.books.means, folder, clock.now())


def written(folder):
    """The rows that lie in the folder."""
    return [json.loads(line) for path in folder.glob("[!.]*.json") for line in path.read_bytes().splitlines()]


def test_a_container_is_pulled_and_what_is_here_is_not_fetched_again(at, tmp_path):
    """The rows are those of the tenant's log; a second pull fetches only a blob that grew."""
    read_one(at)
    assert pulled(at, tmp_path).state == "good"
    first = written(tmp_path)
    assert {row["category"] for row in first} == {"ServicePrincipalSignInLogs"}
    again = pulled(at, tmp_path)
    assert (again.state, again.words.split(";")[0]) == ("good", "0 blobs came, 1 were here")
    read_one(at)
    assert pulled(at, tmp_path).words.startswith("1 blobs came")
    assert len(written(tmp_path)) > len(first)


def test_a_pull_that_broke_goes_on_where_it_was(at, tmp_path, monkeypatch):
    """What came whole is noted at once; what broke off leaves no file that would be read as a log."""
    read_one(at)
    both = (container(at), container(at, category="microsoftgraphactivitylogs"))
    pieces, count = Store.pieces, []

    def breaking(store, blob):
        count.append(blob)
        yield from pieces(store, blob)
        if len(count) == 2:
            raise Unavailable("the line went down")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "pieces", breaking)
        assert pulled(at, tmp_path, *both).state == "unavailable"
    assert len(list(tmp_path.glob("[!.]*.json"))) == 1
    assert pulled(at, tmp_path, *both).words.startswith("1 blobs came, 1 were here")
    assert {row["category"] for row in written(tmp_path)} == {
        "ServicePrincipalSignInLogs",
        "MicrosoftGraphActivityLogs",
    }
    assert list(tmp_path.glob("*.part")) == []


def test_one_container_that_fails_keeps_no_other_back(at, tmp_path):
    """A SAS that has ended is told with the place of its container, and the other container is here all the same."""
    read_one(at)
    ended = container(at, category="microsoftgraphactivitylogs", seconds=-5)
    standing = pulled(at, tmp_path, ended, container(at))
    assert standing.state == "not-possible"
    assert "AuthenticationFailed" in standing.words
    assert "insights-logs-microsoftgraphactivitylogs" in standing.words
    assert "sig=" not in standing.words
    assert len(written(tmp_path)) > 0


def test_a_sas_that_ends_soon_is_said_beforehand(at, tmp_path):
    """A day before the right ends the state is good, and its words say when it ends."""
    assert "the SAS of https://localhost" in pulled(at, tmp_path, container(at, seconds=86_400)).words
    assert "SAS" not in pulled(at, tmp_path, container(at, seconds=30 * 86_400)).words


def test_what_is_too_large_is_said_and_what_is_much_comes_in_parts(at, tmp_path, monkeypatch):
    """A blob over the bound is named as missing; a pull that reached its bound is not whole."""
    read_one(at)
    with monkeypatch.context() as small:
        small.setattr(containers, "LARGEST_BLOB", 10)
        assert pulled(at, tmp_path).state == "not-possible"
    with monkeypatch.context() as small:
        small.setattr(containers, "MOST_AT_ONCE", 10)
        assert written(tmp_path) == []
        assert pulled(at, tmp_path).state == "good"
    assert pulled(at, tmp_path).until is not None


def test_throttling_is_waited_for(at, tmp_path):
    """An account that answers busy for a while is asked again after as long as it says."""
    read_one(at)
    paused = []

    def pause(seconds):
        paused.append(seconds)
        at.lab.set(at.one.tenant_id, throttle_share=0.0)

    means = SimpleNamespace(wire=at.books.means.wire, clock=clock.now, pause=pause)
    at.lab.set(at.one.tenant_id, throttle_share=1.0, retry_after_seconds=3)
    assert pull_containers((container(at),), means, tmp_path, clock.now()).state == "good"
    assert paused == [3.0]


def test_names_of_blobs_are_names_of_files(at):
    """However a blob is named, its file lies in the folder, is no hidden one, and two blobs are never one file."""
    names = {
        containers._name(container(at), SimpleNamespace(name=name))
        for name in ("../../etc/passwd", ".hidden", "a/b.json", "a_b.json", "", "x" * 500, "\u202egnp", "a\x00b")
    }
    assert len(names) == 8
    assert all("/" not in name and not name.startswith(".") and len(name) < 120 and name.isascii() for name in names)


def test_by_command_the_container_proves_what_we_did(at):
    """A tenant that grants no log role, but a container: pull, status and reconcile use it; no output has the SAS."""
    read_one(at)
    secret = url(at)
    kept = at.data.parent / "containers.txt"
    kept.write_text(
        f"# the customers' containers\none {secret}\n{at.one.tenant} {url(at, 'microsoftgraphactivitylogs')}\n"
    )
    kept.chmod(0o600)
    at.config.write_text(
        at.config.read_text() + f'[evidence]\ncontainers = "{kept}"\nstorage_host = "{at.lab.endpoints.blob}"\n'
    )
    code, rows, words = at.command("connection", "pull", "one")
    assert (code, [(row["duty"], row["state"]) for row in rows]) == (0, [("storage", "good")]), words
    code, status, more = at.command("connection", "status", "one")
    signature = secret.rpartition("sig=")[2]
    assert signature not in json.dumps([rows, status]) + words + more
    assert not any(signature.encode() in path.read_bytes() for path in at.data.rglob("*") if path.is_file())
    files = list((at.data / EVIDENCE / at.one.tenant_id / "storage").glob("[!.]*.json"))
    assert len(files) >= 2
    code, answer, words = at.command("reconcile")
    assert code == 3, words
    (tenant,) = [entry for entry in answer["tenants"] if entry["tenant"] == at.one.tenant_id]
    assert tenant["discrepancies"] == [], words
    assert next(one for one in tenant["coverage"] if one["source"] == "sign-ins")["hours_proven"] >= 1


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("one https://a.example/x?sig=hidden-word", 0o600, "line 1: a container's URL cannot be used: its host"),
        ("# note\n\none", 0o600, "line 3: a container's URL"),
        ("one https://contoso.blob.core.windows.net/x?sig=hidden-word", 0o640, "others can read"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_not_what(tmp_path, text, mode, words):
    """The error names file and line; it quotes no part of a URL, and a file that others can read is not used."""
    kept = tmp_path / "containers.txt"
    kept.write_text(text)
    kept.chmod(mode)
    with pytest.raises(Misconfigured, match=words) as refusal:
        read_containers(Evidence(containers=kept))
    assert "hidden-word" not in f"{refusal.value} {refusal.value.hint}"
    assert timedelta(days=1) < containers.SOON
