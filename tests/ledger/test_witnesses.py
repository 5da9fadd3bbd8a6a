"""A ledger with witnesses: real questions over HTTP, cosignatures in what is published, forks and rollbacks found."""

import shutil
import time

import pytest

from counterfoil.ledger import witnesses
from counterfoil.ledger.audit import audit
from counterfoil.ledger.note import COSIGNER, VerifierKey, parse_note
from counterfoil.ledger.witness import Verdict
from counterfoil.model.errors import Refused
from tests.ledger.conftest import NOW
from tests.ledger.test_publish import verify
from tests.ledger.witness_server import Witness


@pytest.fixture
def witness():
    """A witness that knows no log yet."""
    running = Witness()
    yield running
    running.stop()


def enlist(house, witness: Witness) -> None:
    """Put it on the ledger's list."""
    asked = witnesses.parse_witness(witness.key, witness.url)
    witnesses.enlist(lambda stub, also: house.ledger.append(stub, also=also), asked, NOW, "keeper")


def ask(house, witness: Witness):
    """Publish, ask, and return what this witness said."""
    house.ledger.checkpoint()
    return house.ledger.ask_witnesses()[witness.key]


def test_a_growing_ledger_is_cosigned_at_every_size(opened, witness):
    """Each checkpoint is published with the witness's line, verifies from outside, and the audit names the witness."""
    house = opened()
    enlist(house, witness)
    witness.know(str(house.ledger.publication.key))
    for size in (1, 2, 7, 256, 700):
        house.fill(size - house.ledger.size(), house.ledger.size())
        assert ask(house, witness).verdict is Verdict.COSIGNED
        note = parse_note((house.data / "ledger" / "checkpoint").read_bytes())
        assert [line.name for line in note.signatures] == [house.ledger.publication.origin, witness.name]
    assert len(witness.asked) == 5, "each with the right old size, none asked twice"
    key = house.ledger.publication.key
    assert verify("log", house.data / "ledger", key, "--witness", witness.key)[1] == (
        "700 entries verified, witnessed by witness.example/w1 at 2026-02-02T02:40:00Z"
    )
    found = audit(house.engine, house.ledger.publication)
    assert found.wrong == ()
    assert "witnessed by witness.example/w1: the first 700 stubs, at 2026-02-02T02:40:00Z" in found.notes
    assert "not independently witnessed" not in found.notes


def test_without_a_cosignature_the_audit_says_so(opened, witness):
    """No witness, or one that has cosigned nothing, is «not independently witnessed»; the verifier asks for it too."""
    house = opened()
    house.fill(3)
    house.ledger.checkpoint()
    assert "not independently witnessed" in audit(house.engine, house.ledger.publication).notes
    enlist(house, witness)
    assert ask(house, witness).verdict is Verdict.UNKNOWN_LOG
    assert "not independently witnessed" in audit(house.engine, house.ledger.publication).notes
    code, words = verify("log", house.data / "ledger", house.ledger.publication.key, "--witness", witness.key)
    assert (code, words) == (1, "NOT VERIFIED: the checkpoint is not cosigned by witness.example/w1")


def test_the_witness_line_goes_with_every_receipt(opened, witness, tmp_path):
    """A receipt written under a witnessed checkpoint verifies offline with the witness's key."""
    house = opened()
    enlist(house, witness)
    witness.know(str(house.ledger.publication.key))
    house.fill(20)
    ask(house, witness)
    row = next(iter(house.ledger.stubs(start=7)))
    (tmp_path / "p").write_bytes(bytes(house.ledger.prove(7, extra=row.salt)))
    (tmp_path / "s").write_bytes(row.octets)
    key = house.ledger.publication.key
    code, words = verify("receipt", tmp_path / "s", tmp_path / "p", key, "--witness", witness.key)
    assert (code, words.endswith("witnessed by witness.example/w1 at 2026-02-02T02:40:00Z")) == (0, True)


@pytest.mark.parametrize("forced", [(404, "", b""), (403, "", b""), (500, "", b""), (200, "", b"x" * 100_000)])
def test_a_witness_that_does_not_cosign_stops_nothing(opened, witness, forced):
    """Whatever it answers, the log's own checkpoint stands, and the next time goes on."""
    house = opened()
    enlist(house, witness)
    witness.know(str(house.ledger.publication.key))
    house.fill(5)
    witness.forced.append(forced)
    assert ask(house, witness).verdict is not Verdict.COSIGNED
    assert verify("log", house.data / "ledger", house.ledger.publication.key)[0] == 0
    house.fill(5, 5)
    assert ask(house, witness).verdict is Verdict.COSIGNED


def test_a_witness_that_is_not_there_stops_nothing(opened, witness):
    """Nobody listens: no answer, and the checkpoint is published all the same."""
    house = opened()
    enlist(house, witness)
    witness.stop()
    house.fill(5)
    assert ask(house, witness).verdict is Verdict.UNAVAILABLE
    witness.server.server_close()
    assert house.ledger.publication.latest()[0].size == 6


def test_a_rollback_of_everything_is_found_by_the_witness(opened, witness, tmp_path):
    """Rows, tiles and cosignatures restored together fit each other; the witness has seen more, and says so."""
    house = opened()
    enlist(house, witness)
    witness.know(str(house.ledger.publication.key))
    house.fill(10)
    ask(house, witness)
    house.close()
    shutil.copytree(tmp_path, tmp_path.with_name("backup"))
    house = opened()
    house.fill(10, 10)
    ask(house, witness)
    house.close()
    shutil.rmtree(tmp_path)
    shutil.copytree(tmp_path.with_name("backup"), tmp_path)
    house = opened()
    found = audit(house.engine, house.ledger.publication)
    assert (found.wrong, len(found.gaps)) == ((), 1), "from inside it is a copy, and whole"
    # One stub more, so that there is something to ask for.
    house.fill(1, 99)
    asked = ask(house, witness)
    assert (asked.verdict, asked.words) == (Verdict.AHEAD, "it has cosigned 21 stubs, and this log has 13")
    (alarm,) = [
        row.stub
        for row in house.ledger.stubs(kinds=frozenset({"action"}), subject=witness.key)
        if row.stub.body["action"] == "alarm-witness"
    ]
    assert alarm.body["detail"]["verdict"] == "saw a longer log"
    house.fill(30, 100)
    assert ask(house, witness).verdict is Verdict.FORKED, "grown past it on another history"


def test_another_history_under_a_cosignature_is_wrong(opened, witness):
    """Rows that are not those a witness cosigned make the audit fail, even where no checkpoint of ours is left."""
    house = opened()
    enlist(house, witness)
    witness.know(str(house.ledger.publication.key))
    house.fill(10)
    ask(house, witness)
    note = (house.data / "ledger" / "witness" / witness.key.split("+")[1]).read_bytes()
    text = note.replace(note.split(b"\n")[2], b"A" * 43 + b"=")
    text = text[: text.rindex(b"\n\n") + 1]
    (house.data / "ledger" / "witness" / witness.key.split("+")[1]).write_bytes(text + b"\n" + witness.cosign(text))
    (wrong,) = audit(house.engine, house.ledger.publication).wrong
    assert wrong.startswith("the witness witness.example/w1 cosigned another history of 11 stubs")


def test_a_forged_cosignature_counts_for_nothing(opened, witness):
    """A file that the witness did not sign is named, and does not make the log witnessed."""
    house = opened()
    enlist(house, witness)
    witness.know(str(house.ledger.publication.key))
    house.fill(10)
    ask(house, witness)
    path = house.data / "ledger" / "witness" / witness.key.split("+")[1]
    path.write_bytes(path.read_bytes().replace(b"\n11\n", b"\n12\n"))
    notes = audit(house.engine, house.ledger.publication).notes
    assert "not independently witnessed" in notes
    assert any("does not verify" in note and "counts for nothing" in note for note in notes)


def test_a_cosignature_that_comes_late_is_not_put_under_a_newer_checkpoint(opened, witness):
    """While the witness thought, a newer checkpoint was published: that one stays as it is."""
    house = opened()
    witness.know(str(house.ledger.publication.key))
    house.fill(3)
    house.ledger.checkpoint()
    _, older = house.ledger.publication.latest()
    house.fill(3, 3)
    house.ledger.checkpoint()
    text = parse_note(older).text
    key = VerifierKey.parse(witness.key, COSIGNER)
    assert not house.ledger.publication.add_cosignature(older + witness.cosign(text), key)
    assert len(parse_note(house.ledger.publication.latest()[1]).signatures) == 1


def test_the_publisher_asks_by_itself(opened, witness, tmp_path):
    """A running ledger has its checkpoints cosigned without anybody asking."""
    from counterfoil.ledger.ledger import open_ledger

    house = opened()
    enlist(house, witness)
    witness.know(str(house.ledger.publication.key))
    house.stop_without_publishing()
    running = open_ledger(house.engine, tmp_path, interval=0.05)
    running.append_all([])
    house.ledger = running
    house.fill(4)
    key = VerifierKey.parse(witness.key, COSIGNER)
    for _ in range(200):
        last = witnesses.last_cosigned(running.publication, key)
        if last is not None:
            break
        time.sleep(0.05)
    running.close()
    assert last.checkpoint.size >= 1
    assert b"\nold 0\n" not in b"\n".join(witness.asked[1:])


@pytest.mark.parametrize(
    ("key", "url", "why"),
    [
        ("nonsense", "https://w.example", "no key of a witness"),
        (None, "http://w.example", "not asked over TLS"),
        (None, "ftp://127.0.0.1", "not asked over TLS"),
        (None, "https://user:pass@w.example", "not a plain URL"),
        (None, "https://w.example/?a=b", "not a plain URL"),
        (None, "https://", "not a plain URL"),
    ],
)
def test_what_is_no_witness_is_refused(witness, key, url, why):
    """A key of the wrong kind, or a URL that may not be asked, is refused with the reason."""
    with pytest.raises(Refused, match=why):
        witnesses.parse_witness(key or witness.key, url)


def test_a_witness_comes_and_goes_by_stub(opened, witness):
    """Adding again changes the URL; removing by name leaves two kinds of stubs and an empty list."""
    house = opened()
    enlist(house, witness)
    enlist(house, witness)
    with house.engine.connect() as connection:
        assert [str(one.key) for one in witnesses.listed(connection)] == [witness.key]
    append = lambda stub, also: house.ledger.append(stub, also=also)  # noqa: E731 - as the command does
    witnesses.dismiss(append, house.engine, witness.name, NOW, "keeper")
    with house.engine.connect() as connection:
        assert witnesses.listed(connection) == []
    with pytest.raises(Refused, match="0 witnesses are called"):
        witnesses.dismiss(append, house.engine, witness.name, NOW, "keeper")
    actions = [row.stub.body["action"] for row in house.ledger.stubs(subject=witness.key)]
    assert actions == ["add-witness", "add-witness", "remove-witness"]
