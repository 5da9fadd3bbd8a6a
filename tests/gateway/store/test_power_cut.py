"""Power cuts at every step of holding a message, on a disk that forgets whatever was not synced.

A small ALICE (Pillai et al., OSDI 2014): the operations on the file system are recorded as they happen, the
power goes before each of them in turn, and what had not been synced is lost in each way in which it may be.
"""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway.store.conftest import BY, DECISION, NOW, RAW, Store, received, scan

from counterfoil.gateway.store.held_files import HeldFiles
from counterfoil.gateway.store.journal import Journal
from counterfoil.gateway.store.quarantine import Quarantine
from counterfoil.scan.hosts import hosts_of

STEPS = 6
"""Sync of the folder, write, sync, rename, sync of the folder, and nothing: the power stays on."""


class PowerCut(BaseException):
    """Nothing of ours may catch this."""


@dataclass
class ForgetfulDisk:
    """Counts operations, cuts the power before one of them, and then forgets."""

    cut_before: int
    done: list[str] = field(default_factory=list)
    unsynced: set[Path] = field(default_factory=set)
    renames: list[tuple[Path, Path]] = field(default_factory=list)

    def step(self, what: str) -> None:
        if len(self.done) == self.cut_before:
            raise PowerCut
        self.done.append(what)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        real_write, real_fsync, real_replace = os.write, os.fsync, Path.replace

        def write(handle: int, data: bytes) -> int:
            self.step("write")
            self.unsynced.add(Path(f"/proc/self/fd/{handle}").readlink())
            return real_write(handle, data)

        def fsync(handle: int) -> None:
            self.step("fsync")
            place = Path(f"/proc/self/fd/{handle}").readlink()
            real_fsync(handle)
            self.unsynced.discard(place)
            self.renames = [rename for rename in self.renames if rename[1].parent != place]

        def replace(old: Path, new: Path) -> Path:
            self.step("rename")
            self.renames.append((old, new))
            if old in self.unsynced:
                self.unsynced ^= {old, new}
            return real_replace(old, new)

        patch.setattr("counterfoil.gateway.store.held_files.os.write", write)
        patch.setattr("counterfoil.gateway.store.held_files.os.fsync", fsync)
        patch.setattr(Path, "replace", replace)

    def forget(self, *, renames: bool) -> None:
        """Lose the content that was not synced, and with ``renames`` the new names that were not."""
        for place in self.unsynced:
            place.write_bytes(b"")
        for old, new in self.renames if renames else []:
            new.rename(old)


@pytest.mark.parametrize("renames", [False, True], ids=["renames-kept", "renames-lost"])
@pytest.mark.parametrize("cut_before", range(STEPS))
async def test_held_or_never_promised(store: Store, monkeypatch: pytest.MonkeyPatch, cut_before: int, renames: bool):
    """After a power cut at any step a message is either held, whole and releasable, or was never promised.

    Never promised means: ``hold`` did not return, the message is ``unknown``, and no stray file is left.
    """
    disk, promised = ForgetfulDisk(cut_before), False
    await store.journal.intent(received("m1"))
    with monkeypatch.context() as patch:
        disk.install(patch)
        try:
            await store.journal.hold(received("m1"), RAW, scan(), DECISION)
            promised = True
        except PowerCut:
            pass
    disk.forget(renames=renames)
    files = HeldFiles(store.folder)
    left = Journal(store.engine, store.ledger, files, lambda: NOW, 30, hosts=hosts_of).recover()
    story = store.stories.story("m1", None)
    if promised:
        quarantine = Quarantine(store.engine, store.ledger, files, timedelta(seconds=1))
        quarantine.want("m1", None, BY)
        assert (story["outcome"], left, quarantine.raw("m1", None)) == ("held", 1, RAW)  # its sender was not told yet
    else:
        assert (story["outcome"], left) == ("unknown", 1)
        assert [place for place in store.folder.rglob("*") if place.is_file()] == []
    assert promised is (cut_before >= STEPS - 1)
