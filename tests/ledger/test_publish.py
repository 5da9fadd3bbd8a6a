"""What is published verifies with a program that is not ours; what was changed does not, by name."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sigstore._internal import merkle
from sigstore._internal.rekor.checkpoint import LogCheckpoint, SignedNote

from counterfoil.ledger import rows
from counterfoil.ledger.audit import audit
from counterfoil.ledger.keyfile import embedded_key
from counterfoil.ledger.note import Checkpoint, NoteError
from counterfoil.ledger.proof import Proof, parse_proof
from counterfoil.ledger.tree import ProofError
from counterfoil.model.errors import Misconfigured

VERIFIER = Path(__file__).resolve().parents[2] / "tools" / "verify_ledger.py"


def verify(*words: object) -> tuple[int, str]:
    """Run the single-file verifier without our package on its path."""
    command = [sys.executable, "-I", str(VERIFIER), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": ""})
    return done.returncode, (done.stdout + done.stderr).strip()


def docstring_lines(node: ast.AST) -> range:
    """The lines of a docstring."""
    if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
        return range(node.body[0].lineno, node.body[0].end_lineno + 1)
    return range(0)


def test_the_verifier_needs_nothing_of_ours():
    """The single file imports the standard library and cryptography alone, and is short enough to be read."""
    lines = VERIFIER.read_text().splitlines()
    imports = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imports - set(sys.stdlib_module_names) == {"cryptography"}
    words = {n for node in ast.walk(ast.parse(VERIFIER.read_text())) for n in docstring_lines(node)}
    code = [line for number, line in enumerate(lines, 1) if line.strip() and number not in words]
    assert len(code) <= 195, (
        "150 for a log and a receipt, the rest for folders of them: it is read before it is believed"
    )


@pytest.mark.parametrize(
    "sizes", [(1,), (256,), (255, 257, 700), pytest.param((3, 300, 66_000), marks=pytest.mark.long)]
)
def test_a_published_log_verifies_from_outside_as_it_grows(opened, sizes):
    """At each size checkpoint, tiles and entries verify, and each log grew out of the one before."""
    house = opened()
    key, published = house.ledger.publication.key, house.data / "ledger"
    old = ()
    for size in sizes:
        house.fill(size - house.ledger.size(), house.ledger.size())
        house.ledger.checkpoint()
        code, words = verify("log", published, key, *old)
        assert (code, words.split(",")[0]) == (0, f"{size} entries verified")
        shutil.copy(published / "checkpoint", house.data / "old")
        old = ("--old", house.data / "old")


def test_a_receipt_verifies_from_outside_and_shows_one_stub_alone(opened, tmp_path):
    """Stub, salt and proof verify; the log itself holds nothing from which another stub could be guessed."""
    house = opened()
    house.fill(300)
    house.ledger.checkpoint()
    row = next(iter(house.ledger.stubs(start=123)))
    (tmp_path / "p").write_bytes(bytes(house.ledger.prove(123, extra=row.salt)))
    (tmp_path / "s").write_bytes(row.octets)
    key = house.ledger.publication.key
    assert verify("receipt", tmp_path / "s", tmp_path / "p", key) == (
        0,
        "entry 123 of 300: message of 2026-03-01T12:00:00.000250Z",
    )
    (tmp_path / "s").write_bytes(row.octets.replace(b"m123", b"m124"))
    assert (
        verify("receipt", tmp_path / "s", tmp_path / "p", key)[1]
        == "NOT VERIFIED: the stub is not proven to be in the log"
    )
    (tmp_path / "s").write_bytes(row.octets)
    for spelt in (b"index +123", b"index 0123", b"index 1_23", b"index 124", b"index -1"):
        (tmp_path / "q").write_bytes((tmp_path / "p").read_bytes().replace(b"index 123", spelt))
        assert verify("receipt", tmp_path / "s", tmp_path / "q", key)[0] == 1, spelt
    assert b"m123" not in b"".join(p.read_bytes() for p in (house.data / "ledger").rglob("*") if p.is_file())


def tamper_truncate(published: Path) -> None:
    """Cut a tile short."""
    path = published / "tile/0/001.p/44"
    path.write_bytes(path.read_bytes()[:-32])


def tamper_swap(published: Path) -> None:
    """Swap two leaves."""
    path = published / "tile/entries/000"
    octets = path.read_bytes()
    path.write_bytes(octets[35:70] + octets[:35] + octets[70:])


def tamper_tile(published: Path) -> None:
    """Swap two hashes of a tile."""
    path = published / "tile/0/000"
    octets = path.read_bytes()
    path.write_bytes(octets[32:64] + octets[:32] + octets[64:])


def tamper_root(published: Path) -> None:
    """Claim another size."""
    path = published / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n300\n", b"\n299\n"))


def tamper_base64(published: Path) -> None:
    """Spell the signature in a second way: the last letter carries two bits that mean nothing."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    path = published / "checkpoint"
    octets = path.read_bytes()
    assert octets.endswith(b"=\n")
    assert octets[-4:-3] != b"="
    path.write_bytes(octets[:-3] + letters[letters.index(octets[-3]) + 1 :][:1] + b"=\n")


def tamper_origin(published: Path) -> None:
    """Call the log by another name."""
    path = published / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"counterfoil.invalid", b"counterfeit.invalid", 1))


@pytest.mark.parametrize(
    ("tamper", "outside", "inside"),
    [
        (tamper_truncate, "cut short", "has 1376 octets, not 1408"),
        (tamper_swap, "tile 0 of level 0 is not the hashes of the entries", "entries/000 is not what the rows say"),
        (tamper_tile, "tile 0 of level 0 is not the hashes", "tile/0/000 is not what the rows say"),
        (tamper_root, "does not verify", "does not verify"),
        (tamper_base64, "canonical", "not spelt canonically"),
        (tamper_origin, "is a checkpoint of", "does not verify"),
    ],
)
def test_a_changed_publication_is_noticed_outside_and_inside(opened, tamper, outside, inside):
    """Each hostile change is refused by the verifier and named by ``ledger verify``."""
    house = opened()
    house.fill(300)
    house.ledger.checkpoint()
    tamper(house.data / "ledger")
    code, words = verify("log", house.data / "ledger", house.ledger.publication.key)
    assert code == 1
    assert outside in words
    assert any(inside in fault for fault in audit(house.engine, house.ledger.publication).wrong)


def test_a_rollback_is_noticed_by_whoever_kept_a_checkpoint(opened):
    """An older, truly signed checkpoint does not verify against a newer one."""
    house = opened()
    published = house.data / "ledger"
    house.fill(10)
    house.ledger.checkpoint()
    older = (published / "checkpoint").read_bytes()
    house.fill(10, 10)
    house.ledger.checkpoint()
    (house.data / "newer").write_bytes((published / "checkpoint").read_bytes())
    (published / "checkpoint").write_bytes(older)
    code, words = verify("log", published, house.ledger.publication.key, "--old", house.data / "newer")
    assert code == 1
    assert "did not grow out of the one of 20: it was rolled back or forked" in words


def test_a_forked_checkpoint_is_noticed_by_whoever_kept_the_other(opened, tmp_path):
    """Two truly signed checkpoints of one size but two histories: neither passes for the other."""
    house = opened()
    house.fill(300)
    house.ledger.checkpoint()
    published = shutil.copytree(house.data / "ledger", tmp_path / "shown-to-others")
    key, sign = embedded_key(house.data / "checkpoint.key")
    forked = Checkpoint(key.name, 300, b"f" * 32)
    (house.data / "forked").write_bytes(sign(forked, lambda _: []))
    code, words = verify("log", published, key, "--old", house.data / "forked")
    assert (code, "did not grow out of the one of 300: it was rolled back or forked" in words) == (1, True), words
    (published / "checkpoint").write_bytes((house.data / "forked").read_bytes())
    code, words = verify("log", published, key)
    assert (code, words) == (1, "NOT VERIFIED: the entries are not those that the checkpoint signs")


def test_a_mistyped_key_is_no_forged_log(opened):
    """What is no verifier key of a log is said to be none, with another exit code than a log that does not verify."""
    house = opened()
    house.fill(3)
    house.ledger.checkpoint()
    key = str(house.ledger.publication.key)
    name, key_id, encoded = key.split("+", 2)
    for wrong in ("wrong", key[:-2], f"{name}x+{key_id}+{encoded}", f"{name}+{key_id}", f"{name}+{key_id}+!!"):
        code, words = verify("log", house.data / "ledger", wrong)
        assert (code, "is no Ed25519 verifier key of a log: copy it whole" in words) == (2, True), words
    code, words = verify("log", house.data / "ledger", key, "--witness", key)
    assert (code, "is no Ed25519 verifier key of a witness" in words) == (2, True), words


def test_a_size_that_is_a_lie_is_not_waited_for(opened):
    """A truly signed checkpoint of a million billion leaves ends at the first tile that is not there."""
    house = opened()
    house.fill(300)
    house.ledger.checkpoint()
    key, sign = embedded_key(house.data / "checkpoint.key")
    (house.data / "ledger" / "checkpoint").write_bytes(sign(Checkpoint(key.name, 10**15, b"f" * 32), lambda _: []))
    code, words = verify("log", house.data / "ledger", key)
    assert (code, "NOT VERIFIED: " in words, "Traceback" in words) == (1, True, False), words


def test_a_bundle_with_something_else_in_it_is_refused(opened):
    """An entry of another length than ours, in a bundle of the right size, is no entry."""
    house = opened()
    house.fill(300)
    house.ledger.checkpoint()
    path = house.data / "ledger" / "tile/entries/000"
    octets = path.read_bytes()
    path.write_bytes(octets[:35] + b"\0\x20" + octets[37:])
    code, words = verify("log", house.data / "ledger", house.ledger.publication.key)
    assert (code, words) == (1, "NOT VERIFIED: bundle 0 holds something that is no entry of 33 octets")


def test_a_second_implementation_accepts_checkpoint_and_receipts(opened):
    """sigstore-python reads our checkpoint as what it says, and finds every proven leaf under its root."""
    house = opened()
    house.fill(300)
    house.ledger.checkpoint()
    note = SignedNote.from_text((house.data / "ledger" / "checkpoint").read_text())
    read = LogCheckpoint.from_text(note.note)
    key = house.ledger.publication.key
    assert (read.origin, read.log_size, read.other_content) == (key.name, 300, [])
    (signature,) = note.signatures
    assert (signature.name, signature.sig_hash.hex()) == (key.name, str(key).split("+")[1])
    for row in house.ledger.stubs():
        proof = house.ledger.prove(row.index)
        inner, border = merkle._decomp_inclusion_proof(row.index, 300)
        assert len(proof.hashes) == inner + border
        leaf = merkle._hash_leaf(row.entry)
        root = merkle._chain_border_right(
            merkle._chain_inner(leaf, list(proof.hashes[:inner]), row.index), list(proof.hashes[inner:])
        )
        assert root.hex() == read.log_hash


def test_changed_rows_stop_publication_and_opening(opened):
    """Rewriting history in the database is noticed at the next checkpoint and at the next start."""
    house = opened()
    house.fill(10)
    house.ledger.checkpoint()
    with house.engine.begin() as connection:
        connection.execute(sa.update(rows.entries).where(rows.entries.c.leaf_index == 4).values(entry=b"\1" * 33))
    house.fill(1, 10)
    with pytest.raises(Misconfigured, match="the rows of the ledger are not those that were published"):
        house.ledger.checkpoint()
    house.stop_without_publishing()
    with pytest.raises(Misconfigured, match="are not those that were published"):
        opened()


def test_a_stub_changed_in_place_is_named(opened):
    """A row whose stub is not what its entry commits to is found, with its number."""
    house = opened()
    house.fill(10)
    house.ledger.checkpoint()
    with house.engine.begin() as connection:
        where = rows.entries.c.leaf_index == 4
        octets = connection.execute(sa.select(rows.entries.c.stub).where(where)).scalar()
        connection.execute(sa.update(rows.entries).where(where).values(stub=octets.replace(b"m4", b"m5")))
    assert audit(house.engine, house.ledger.publication).wrong == ("the stub in row 4 is not the one that was written",)


def test_a_stub_written_late_is_counted(opened):
    """A stub with a time far behind the one before it is noted: it may have been thought up afterwards."""
    from datetime import timedelta

    from counterfoil.ledger.stubs import stub_at
    from tests.ledger.conftest import NOW

    house = opened()
    house.fill(2)
    house.ledger.append(stub_at("message", NOW - timedelta(hours=2), id="late"))
    house.ledger.checkpoint()
    found = audit(house.engine, house.ledger.publication)
    assert (found.late, found.wrong) == (1, ())
    assert any("1 stubs were written more than" in note for note in found.notes)


def test_an_erased_stub_leaves_the_tree_whole(opened):
    """Deleting salt and stub satisfies erasure; everything else still verifies."""
    house = opened()
    house.fill(10)
    with house.engine.begin() as connection:
        where = rows.entries.c.leaf_index == 4
        connection.execute(sa.update(rows.entries).where(where).values(stub=None, salt=None))
    house.ledger.checkpoint()
    found = audit(house.engine, house.ledger.publication)
    assert (found.wrong, found.without_stub) == ((), 1)
    assert verify("log", house.data / "ledger", house.ledger.publication.key)[0] == 0


def test_an_empty_ledger_publishes_size_0(opened):
    """The checkpoint of nothing is the hash of nothing, and verifies."""
    house = opened()
    assert house.ledger.checkpoint().size == 0
    assert verify("log", house.data / "ledger", house.ledger.publication.key) == (0, "0 entries verified")


def test_proofs_read_back_and_wrong_ones_are_refused(opened):
    """A proof parses to itself; another entry, another log and every wrong spelling are refused."""
    house = opened()
    house.fill(20)
    house.ledger.checkpoint()
    key, row = house.ledger.publication.key, next(iter(house.ledger.stubs(start=7)))
    proof = house.ledger.prove(7, extra=b"salt")
    assert parse_proof(bytes(proof)) == proof
    proof.verify(row.entry, key)
    with pytest.raises(ProofError, match="leads to another root"):
        proof.verify(b"\1" * 33, key)
    with pytest.raises(NoteError, match="not of 'example"):
        proof.verify(row.entry, key, "example.org/other")
    octets = bytes(proof)
    for change, why in (
        (octets.replace(b"@v1", b"@v2"), "does not begin with"),
        (octets.replace(b"index 7", b"index 07"), "no line 'index N'"),
        (octets.replace(b"index 7", b"index -7"), "no line 'index N'"),
        (octets.replace(b"extra c2FsdA==", b"extra c2FsdA"), "not base64"),
        (octets[: octets.index(b"\n\n")], "not a proof"),
        (octets.replace(b"index 7\n", b"index 7\nAAAA\n"), "hashes of 32 octets"),
        (b"\xff" + octets, "is ASCII"),
    ):
        with pytest.raises(ProofError, match=why):
            parse_proof(change)
    too_long = Proof(7, proof.hashes + proof.hashes, proof.checkpoint)
    with pytest.raises(ProofError, match="too long"):
        too_long.verify(row.entry, key)
