"""``counterfoil quarantine`` and ``counterfoil track`` as a person or a script types them."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.gateway.peers import Sink
from tests.gateway.store.conftest import BY, DECISION, RAW, received, scan

from counterfoil.__main__ import main
from counterfoil.app.lock import alone
from counterfoil.app.state import open_state
from counterfoil.config.settings import Config
from counterfoil.gateway.routing import NextHop, Tls
from counterfoil.gateway.server import SmtpServer
from counterfoil.gateway.store.tenants import Domain
from counterfoil.model.mail import Direction

HOSTILE = "invoice\x1b[2J\x07"


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A data folder with a held message of acme's and one of beta's; both domains' next hop is down."""
    with open_state(tmp_path, Config(), create=True) as state:
        for tenant in ("acme", "beta"):
            state.tenants.add(tenant, "", BY)
            hop = NextHop("127.0.0.1", 1, Tls.NONE)
            state.tenants.set_domain(Domain(f"{tenant}.test", tenant, hop), BY)
            message = received(f"m-{tenant}", tenant, recipients=(f"ann@{tenant}.test",))
            await state.journal.intent(message)
            await state.journal.hold(message, b"X-Counterfoil-Id: 1\r\n" + RAW, scan(HOSTILE), DECISION)
    return tmp_path


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]):
    """Run a command on the data folder; return exit code, stdout and stderr."""

    def command(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--data", str(data)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def test_list(run):
    """The list names what is held; --tenant leaves the others out."""
    everything = json.loads(run("quarantine", "list", "--json")[1])
    assert sorted(message["id"] for message in everything) == ["m-acme", "m-beta"]
    (mine,) = json.loads(run("quarantine", "list", "--json", "--tenant", "acme")[1])
    assert (mine["id"], mine["recipients"], mine["verdict"]) == ("m-acme", ["ann@acme.test"], "malicious")


def test_nothing_found(run):
    """A search without a match is an empty list with exit 0 in the quarantine, and exit 1 for track, as grep does."""
    assert run("quarantine", "list", "--json", "--subject", "lunch")[:2] == (0, "[]\n")
    assert run("track", "--json", "--subject", "lunch")[:2] == (1, "[]\n")


@pytest.mark.parametrize("words", [("m-none",), ("m-beta", "--tenant", "acme")])
def test_an_id_that_is_not_there(run, words):
    """Track finds nothing by an id as by any other search, and another tenant's message is not told apart from none."""
    assert run("track", "--json", *words) == (1, "[]\n", "")
    assert run("track", *words) == (1, "no message matches\n", "")


@pytest.mark.parametrize(
    "words", [("track",), ("track", "m-acme"), ("quarantine", "list"), ("quarantine", "show", "m-acme"),
              ("quarantine", "release", "m-acme"), ("quarantine", "delete", "m-acme", "--yes")]
)  # fmt: skip
def test_a_tenant_that_is_not_there(run, words):
    """A tenant that nobody knows is a mistake, said in the same words everywhere, and nothing is done."""
    code, out, err = run(*words, "--tenant", "nosuch")
    assert (code, out, err.splitlines()[0]) == (2, "", "counterfoil: there is no tenant nosuch")


def test_a_removed_tenant_is_known_by_its_messages(run):
    """The story of its messages stays, so a search for it is no mistake."""
    assert run("quarantine", "delete", "m-beta", "--yes")[0] == 0
    assert run("tenant", "remove", "beta", "--yes")[0] == 0
    (story,) = json.loads(run("track", "--tenant", "beta", "--json")[1])
    assert story["outcome"] == "deleted"
    assert run("quarantine", "list", "--tenant", "beta")[:2] == (0, "no message is held that matches\n")


def test_the_name_of_a_removed_tenant_is_no_other_customers(run):
    """Whoever has the name is shown the messages that are kept under it: only the same customer gets it again."""
    run("quarantine", "delete", "m-beta", "--yes")
    assert run("tenant", "remove", "beta", "--yes")[0] == 0
    code, _, err = run("tenant", "add", "beta")
    assert (code, "a tenant beta was removed" in err, "say --again" in err) == (2, True, True)
    assert run("tenant", "add", "beta", "--again")[0] == 0
    assert "m-beta" in run("track", "m-beta")[1]


def test_a_subject_cannot_drive_the_terminal(run):
    """Control characters from a message are made visible in every answer for people."""
    for words in (("quarantine", "list"), ("quarantine", "show", "m-acme"), ("track",), ("track", "m-acme")):
        _, out, _ = run(*words)
        assert "\x1b[2J" not in out
        assert "\x07" not in out


def test_show_says_why(run):
    """A person sees the verdict, what decided, what would have changed it, the findings and the history."""
    code, out, _ = run("quarantine", "show", "m-acme")
    assert code == 0
    for text in ("malicious -> quarantine", "macro", "without macro: clean, deliver", "T1204.002", "held by smtp"):
        assert text in out


def test_show_saves_the_held_bytes(run, tmp_path: Path):
    """--save writes exactly the held bytes, and never over a file that is there."""
    file = tmp_path / "held.eml"
    assert run("quarantine", "show", "m-acme", "--save", str(file))[0] == 0
    assert file.read_bytes() == b"X-Counterfoil-Id: 1\r\n" + RAW
    assert file.stat().st_mode & 0o777 == 0o600, "as private as what is held"
    code, _, err = run("quarantine", "show", "m-acme", "--save", str(file))
    assert code == 2
    assert "cannot be written: File exists" in err


@pytest.mark.parametrize(
    "words",
    [
        ("quarantine", "show", "m-beta"),
        ("quarantine", "release", "m-beta"),
        ("quarantine", "delete", "m-beta", "--yes"),
    ],
    ids=" ".join,
)
def test_another_tenants_message_is_not_there(run, words):
    """Law 11: with --tenant another tenant's message and one that never was give the same answer."""
    code, out, err = run(*words, "--tenant", "acme")
    other = run(*(word.replace("m-beta", "m-none") for word in words), "--tenant", "acme")
    assert (code, out) == (2, "")
    assert (code, out, err.replace("m-beta", "m-none")) == other
    assert json.loads(run("track", "m-beta", "--json")[1])[0]["outcome"] == "held"


def test_release_without_a_server_while_the_next_hop_is_down(run):
    """The command tries once, says why it is not out, exits 1, and the wish is kept for the next serve."""
    code, out, _ = run("quarantine", "release", "m-acme", "--json")
    (answer,) = json.loads(out)
    assert (code, answer["released"], answer["tried_by"], answer["outcome"]) == (1, False, "command", "held")
    assert "the next hop does not answer" in answer["last_words"]
    assert json.loads(run("quarantine", "list", "--json", "--tenant", "acme")[1])[0]["wanted_by"]


async def test_release_without_a_server(run, data: Path):
    """With no serve running the command itself sends, and the story ends as released."""
    sink = Sink()
    server = SmtpServer(sink, hostname="sink.test")
    port = await server.listen("127.0.0.1", 0, Direction.INBOUND)
    with open_state(data, Config(), create=False) as state:
        state.tenants.set_domain(Domain("acme.test", "acme", NextHop("127.0.0.1", port, Tls.NONE)), BY)
    code, out, _ = await asyncio.to_thread(run, "quarantine", "release", "m-acme", "--json")
    assert (code, json.loads(out)[0]["outcome"]) == (0, "released")
    assert [delivered.raw for delivered in sink.delivered] == [b"X-Counterfoil-Id: 1\r\n" + RAW]
    await server.drain(1)


def test_release_with_a_server(run, data: Path):
    """With a serve running the command only asks; it does not send behind its back."""
    with alone(data):
        code, out, _ = run("quarantine", "release", "m-acme", "--json")
    (answer,) = json.loads(out)
    assert (code, answer["tried_by"], answer["outcome"], answer["last_words"]) == (1, "serve", "held", "")


def test_delete(run):
    """Deleting needs a yes, ends the message for good, and the story says who and why."""
    code, _, err = run("quarantine", "delete", "m-acme")
    assert code == 2
    assert "nobody is here to say yes" in err
    assert run("quarantine", "delete", "m-acme", "--yes", "--why", "phishing")[0] == 0
    (story,) = json.loads(run("track", "m-acme", "--json")[1])
    assert (story["outcome"], story["dispositions"][-1]["words"]) == ("deleted", "phishing")


def test_several_at_once(run):
    """One message that is refused does not keep the others: they are done, it is said, and the exit code is 2."""
    code, out, err = run("quarantine", "release", "m-none", "m-acme", "m-beta", "--json", "--tenant", "acme")
    assert (code, [answer["id"] for answer in json.loads(out)]) == (2, ["m-acme"])
    assert [line for line in err.splitlines() if "no held message" in line] == [
        "counterfoil: there is no held message m-none",
        "counterfoil: there is no held message m-beta",
    ]


def test_what_is_no_longer_held_says_what_became_of_it(run):
    """Whoever asks twice hears what was done the first time, not that there is no such message."""
    assert run("quarantine", "delete", "m-acme", "--yes")[0] == 0
    for verb in (("show",), ("release",), ("delete", "--yes")):
        code, _, err = run("quarantine", *verb, "m-acme")
        assert (code, "m-acme is not held: it was deleted" in err) == (2, True)
    assert "there is no held message m-acme" in run("quarantine", "release", "m-acme", "--tenant", "beta")[2]


def test_delete_asks_for_all_or_none(run):
    """Where one of several messages is not there, nothing is deleted and nothing is asked."""
    assert run("quarantine", "delete", "m-acme", "m-none", "--yes")[0] == 2
    assert run("quarantine", "delete", "m-acme", "m-beta", "--yes")[:2] == (0, "deleted m-acme\ndeleted m-beta\n")


def test_track_tells_whole_stories(run):
    """With --json a search gives whole stories: envelope, findings, dispositions."""
    (story,) = json.loads(run("track", "--json", "--recipient", "ANN@acme")[1])
    assert (story["id"], story["findings"][0]["check"], len(story["dispositions"])) == ("m-acme", "macro", 1)


def test_a_time_that_is_none(run, capsys: pytest.CaptureFixture[str]):
    """A time without an offset is refused by the parser with exit 2."""
    with pytest.raises(SystemExit) as stopped:
        run("track", "--since", "yesterday")
    assert stopped.value.code == 2
    assert "--since" in capsys.readouterr().err
