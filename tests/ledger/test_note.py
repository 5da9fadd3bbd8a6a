"""Signed notes and checkpoints: the published example, our own, and every wrong spelling."""

import base64
import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ledger.note import (
    Checkpoint,
    NoteError,
    VerifierKey,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_note,
    strict_base64,
    verify_note,
)
from counterfoil.ledger.tree import EMPTY_ROOT, ProofError, verify_consistency

# The example of golang.org/x/mod/sumdb/note, from which the C2SP specification was written.
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
EXAMPLE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
ENOCH_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
).encode()

# A tree head of sum.golang.org, the log of Go's module checksums.
GO_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_TREE = "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
GO_SIGNATURE = "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="

# golang.org/x/mod/sumdb/client_test.go: two heads that do not fit, and what its client prints of them.
FORKED_KEY = "localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6"
FORKED_HEADS = [
    (
        5,
        "nWzN20+pwMt62p7jbv1/NlN95ePTlHijabv5zO/s36w=",
        "AAAMZ5/2FVAdMH58kmnz/0h299pwyskEbzDzoa2/YaPdhvLya4YWDFQQxu2TQb5GpwAH4NdWnTwuhILafisyf3CNbgg=",
    ),
    (
        6,
        "wc4SkQt52o5W2nQ8To2ARs+mWuUJjss+sdleoiqxMmM=",
        "AAAMZ6oRNswlEZ6ZZhxrCvgl1MBy+nusq4JU+TG6Fe2NihWLqOzb+y2c2kzRLoCr4tvw9o36ucQEnhc20e4nA4Qc/wc=",
    ),
]
FORKED_PROOF = [
    "T7i+H/8ER4nXOiw4Bj0koZOkGjkxoNvlI34GpvhHhQg=",
    "Nsuejv72de9hYNM5bqFv8rv3gm3zJQwv/DT/WNbLDLA=",
    "mOmqqZ1aI/lzS94oq/JSbj7pD8Rv9S+xDyi12BtVSHo=",
    "/7Aw5jVSMM9sFjQhaMg+iiDYPMk6decH7QLOGrL9Lx0=",
]
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
LOG = "example.org/log"
VERIFIER = VerifierKey(LOG, KEY.public_key().public_bytes_raw())
ROOT = b"r" * 32


def test_the_published_example_verifies():
    """The example note verifies under the example key, whose id we compute ourselves."""
    verify_note(parse_note(EXAMPLE), VerifierKey.parse(EXAMPLE_KEY))


def test_signing_gives_the_published_octets():
    """Signing the example text with the example key gives the example note, octet for octet."""
    text = EXAMPLE[: EXAMPLE.rindex(b"\n\n") + 1]
    assert sign_note(text, "PeterNeumann", Ed25519PrivateKey.from_private_bytes(EXAMPLE_SEED)) == EXAMPLE


def test_a_key_reads_back_as_it_was_spelt():
    """Parsing and printing a verifier key gives the same text."""
    assert str(VerifierKey.parse(EXAMPLE_KEY)) == EXAMPLE_KEY


@pytest.mark.parametrize(
    ("spelling", "why"),
    [
        (EXAMPLE_KEY.replace("c74f20a3", "c74f20a4"), "says its id is"),
        (EXAMPLE_KEY.replace("c74f20a3", "C74F20A3"), "says its id is"),
        (EXAMPLE_KEY.replace("PeterNeumann", "Peter Neumann"), "name"),
        (EXAMPLE_KEY.replace("PeterNeumann", "Mallory"), "says its id is"),
        (EXAMPLE_KEY[:-4], "not an Ed25519"),
        (EXAMPLE_KEY.replace("+ARpc", "+ABpc"), "not an Ed25519|not base64|says its id"),
        ("", "not an Ed25519|name"),
        ("a+b", "not an Ed25519|name"),
    ],
)
def test_a_wrong_key_is_refused(spelling, why):
    """A key under another name, of another type or with another id is refused."""
    with pytest.raises(NoteError, match=why):
        VerifierKey.parse(spelling)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda n: n.replace(b"answer", b"anser"), "does not verify"),
        (lambda n: n[:-1], "no newline at its end"),
        (lambda n: n.replace(b"\n\n", b"\n"), "no empty line"),
        (lambda n: n.replace(b"\n", b"\r\n"), "control character"),
        (lambda n: n.replace(b"then", b"th\xffn"), "not UTF-8"),
        (lambda n: n.replace("—".encode(), b"-"), "em dash"),
        (lambda n: n.replace(b"PeterNeumann x", b"PeterNeumann  x"), "not base64"),
        (lambda n: n.replace(b"AM=\n", b"AN=\n"), "not spelt canonically"),
        (lambda n: n.replace(b"AM=\n", b"AM\n"), "not base64"),
        (lambda n: n[: n.rindex(b"\n\n") + 2], "1 to 100 signatures"),
        (lambda n: n[: n.rindex(b"\n\n") + 2] + n.splitlines(keepends=True)[-1] * 101, "1 to 100 signatures"),
        (lambda n: n.replace(b"PeterNeumann", b"PaulNeumann"), "not signed by PeterNeumann"),
    ],
)
def test_a_note_that_was_changed_is_refused(change, why):
    """Each change to the example is refused for its own reason."""
    with pytest.raises(NoteError, match=why):
        verify_note(parse_note(change(EXAMPLE)), VerifierKey.parse(EXAMPLE_KEY))


def test_signatures_of_strangers_are_passed_over():
    """A cosignature by an unknown key neither helps nor harms."""
    extra = sign_note(EXAMPLE[: EXAMPLE.rindex(b"\n\n") + 1], "witness", KEY).splitlines(keepends=True)[-1]
    verify_note(parse_note(EXAMPLE + extra), VerifierKey.parse(EXAMPLE_KEY))


def test_a_checkpoint_reads_back():
    """A signed checkpoint opens to what was signed, with its extension lines."""
    one = Checkpoint(LOG, 20852163, ROOT, ("extension",))
    assert open_checkpoint(sign_note(one.body, LOG, KEY), VERIFIER) == one


def test_the_note_that_two_have_signed_verifies_for_both():
    """The second example of the same package: each of its keys verifies its own line, and passes over the other's."""
    note = parse_note(EXAMPLE + ENOCH)
    verify_note(note, VerifierKey.parse(EXAMPLE_KEY))
    verify_note(note, VerifierKey.parse(ENOCH_KEY))


def test_a_real_log_signed_the_checkpoint_that_the_specification_shows():
    """Go's checksum database signed this size and root in 2023; c2sp.org/tlog-checkpoint shows them under another name.

    The signature is the proof that nothing was mistyped; under the name of the example it does not verify.
    """
    note = f"{GO_TREE}\n\N{EM DASH} sum.golang.org {GO_SIGNATURE}\n".encode()
    read = open_checkpoint(note, VerifierKey.parse(GO_KEY), origin="go.sum database tree")
    assert (read.size, read.root.hex()[:8]) == (20852163, "0ac5186a")
    assert read.body == GO_TREE.encode()
    with pytest.raises(NoteError, match="does not verify"):
        open_checkpoint(
            note.replace(b"go.sum database tree", b"example.com/behind-the-sofa"), VerifierKey.parse(GO_KEY)
        )


def test_a_fork_that_go_shows_is_one():
    """Two heads that one key signed, from the tests of Go's client: the proof joins the new one to another old root."""
    key = VerifierKey.parse(FORKED_KEY)
    old, new = (
        open_checkpoint(
            f"go.sum database tree\n{size}\n{root}\n\n\N{EM DASH} {key.name} {signature}\n".encode(),
            key,
            origin="go.sum database tree",
        )
        for size, root, signature in FORKED_HEADS
    )
    true_root, *proof = map(strict_base64, FORKED_PROOF)
    verify_consistency(old.size, new.size, proof, true_root, new.root)
    with pytest.raises(ProofError):
        verify_consistency(old.size, new.size, proof, old.root, new.root)


def test_a_checkpoint_of_another_log_is_refused():
    """The right key under a wrong origin is refused: one key may sign for one log alone."""
    note = sign_note(Checkpoint("example.org/other", 1, ROOT).body, LOG, KEY)
    with pytest.raises(NoteError, match=r"is of 'example\.org/other', not of 'example\.org/log'"):
        open_checkpoint(note, VERIFIER)


def test_a_key_under_another_name_is_another_key():
    """A signature by the same key under a second name does not count for the first."""
    note = sign_note(Checkpoint(LOG, 1, ROOT).body, "example.org/second", KEY)
    with pytest.raises(NoteError, match=r"not signed by example\.org/log"):
        open_checkpoint(note, VERIFIER)


B64 = base64.b64encode(ROOT).decode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"o\n01\n{B64}\n", "not the size"),
        (f"o\n-1\n{B64}\n", "not the size"),
        (f"o\n+1\n{B64}\n", "not the size"),
        (f"o\n١\n{B64}\n", "not the size"),
        (f"o\n{2**63}\n{B64}\n", "not the size"),
        (f"o\n{'9' * 5000}\n{B64}\n", "not the size"),
        (f"o\n1\n{B64[:-1]}\n", "not base64"),
        (f"o\n1\n{base64.b64encode(b'short').decode()}\n", "has 32 octets"),
        (f"o\n0\n{B64}\n", "size 0 has the root"),
        ("o\n1\n", "an origin, a size and a root"),
        (f"\n1\n{B64}\n", "an origin, a size and a root"),
        (f"o\n1\n{B64}\n\nx\n", "an origin, a size and a root"),
        (f"o\n1\n{B64}", "an origin, a size and a root"),
    ],
)
def test_a_checkpoint_has_one_spelling(text, why):
    """Sizes with signs, zeros or foreign digits, wrong roots and stray lines are refused."""
    with pytest.raises(NoteError, match=why):
        parse_checkpoint(text.encode())


def test_the_empty_tree_has_a_checkpoint():
    """Size 0 goes with the hash of nothing, and with nothing else."""
    assert parse_checkpoint(Checkpoint("o", 0, EMPTY_ROOT).body) == Checkpoint("o", 0, EMPTY_ROOT)


@given(st.binary(max_size=40))
def test_base64_has_one_spelling(octets):
    """What strict_base64 accepts is exactly what encoding gives."""
    text = base64.b64encode(octets).decode()
    assert strict_base64(text) == octets
    for other in (text + "\n", text + "=", " " + text):
        with pytest.raises(NoteError):
            strict_base64(other)


@given(st.binary(max_size=200))
def test_noise_is_refused_in_words(octets):
    """Any octets at all are either a note or refused with NoteError, nothing else."""
    with contextlib.suppress(NoteError):
        parse_note(octets)
