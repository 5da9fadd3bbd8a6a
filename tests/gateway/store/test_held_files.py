"""Held bytes: durable in the right order, given back as they were, and nothing promised on a bad disk."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from counterfoil.gateway.store.held_files import HeldFiles
from counterfoil.model.errors import Refused, Unavailable

RAW = b"From: a\r\n\r\nb\r\n"
SHA256 = hashlib.sha256(RAW).hexdigest()


@pytest.fixture
def files(tmp_path: Path) -> HeldFiles:
    """An empty folder of held files."""
    return HeldFiles(tmp_path / "held")


def test_what_is_held_is_given_back(files: HeldFiles):
    """The bytes that come back are exactly those that were held, and the hash is theirs."""
    assert files.write("m1", RAW) == SHA256
    assert files.read("m1", SHA256) == RAW


def test_order_of_operations(files: HeldFiles, monkeypatch: pytest.MonkeyPatch):
    """The folder is made durable, then the file is written and synced, then renamed, then its folder synced.

    Every shorter prefix of this list leaves no file under the final name or leaves a whole one.
    """
    seen: list[str] = []
    real_fsync, real_write, real_replace = os.fsync, os.write, Path.replace

    def fsync(handle: int) -> None:
        place = Path(f"/proc/self/fd/{handle}").readlink()
        seen.append(f"fsync {'folder' if place.is_dir() else 'file'} {place.name[:4]}")
        real_fsync(handle)

    def write(handle: int, data: bytes) -> int:
        seen.append("write")
        return real_write(handle, data)

    def replace(self: Path, target: Path) -> Path:
        seen.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(Path, "replace", replace)
    files.write("m1", RAW)
    assert seen == ["fsync folder held", "write", f"fsync file {SHA256[:4]}", "rename", f"fsync folder {SHA256[:2]}"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT], ids=["no-space", "over-quota"])
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_full_disk(files: HeldFiles, monkeypatch: pytest.MonkeyPatch, call: str, code: int):
    """A full disk is 'try later', leaves nothing behind, and does not make the store suspect."""

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        (files.path("m1", SHA256).parent).mkdir()
        patched.setattr(os, call, fail)
        with pytest.raises(Unavailable, match="the disk for held messages is full"):
            files.write("m1", RAW)
    assert list(files.path("m1", SHA256).parent.iterdir()) == []
    assert files.suspect is None
    files.write("m1", RAW)


def test_failed_fsync_makes_the_store_suspect(files: HeldFiles, monkeypatch: pytest.MonkeyPatch):
    """After a failed fsync nothing more is accepted, even when a later fsync would say that all is well."""

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(Unavailable, match="cannot be held: Input/output error"):
            files.write("m1", RAW)
    with pytest.raises(Unavailable, match="suspect: fsync failed"):
        files.write("m2", RAW)


def test_changed_bytes_are_refused(files: HeldFiles):
    """Held bytes that somebody changed are never given out."""
    files.write("m1", RAW)
    files.path("m1", SHA256).write_bytes(RAW + b"x")
    with pytest.raises(Refused, match="not those that were held"):
        files.read("m1", SHA256)


def test_missing_bytes_are_refused(files: HeldFiles):
    """Held bytes that are gone are an error that says where a backup has to go."""
    with pytest.raises(Refused, match="cannot be read: No such file") as refusal:
        files.read("m1", SHA256)
    assert refusal.value.hint
    assert "restore" in refusal.value.hint


def test_two_messages_of_the_same_bytes(files: HeldFiles):
    """Taking one away leaves the other, although both have one hash."""
    files.write("m1", RAW)
    files.write("m2", RAW)
    files.remove("m1", SHA256)
    assert files.read("m2", SHA256) == RAW


def test_sweep_takes_only_what_nobody_owns(files: HeldFiles):
    """Files without a row go, half-written ones too; owned ones stay."""
    files.write("m1", RAW)
    files.write("m2", RAW)
    files.path("m3", SHA256).with_suffix(".m3.new").write_bytes(b"half")
    assert files.sweep({f"{SHA256}.m1"}) == 2
    assert files.read("m1", SHA256) == RAW
