"""The machine: data folder, disk, clock, and the workers' isolation."""

import ctypes
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from email.utils import parsedate_to_datetime

from counterfoil import clock
from counterfoil.app.doctor.finding import Finding, Patient, note
from counterfoil.bounded.isolation import Isolation
from counterfoil.bounded.pool import Bounds, Pool
from counterfoil.model.errors import Unavailable
from counterfoil.scan.scanner import WORK
from counterfoil.tenant.endpoints import Endpoints
from counterfoil.tenant.wire import Wire

LEAST_FREE = 1 << 30
LEAST_SHARE = 0.05
CLOSE_ENOUGH = timedelta(seconds=30)
"""Assertions are refused beyond about 300 s (AADSTS700024); a tenth of it is worth a look."""


def folder(patient: Patient) -> Iterator[Finding]:
    """May others read or change what is in the data folder?"""
    for path in [patient.data, *sorted(patient.data.glob("*"))]:
        status = path.lstat()
        if status.st_uid != os.geteuid():
            yield Finding(str(path), f"it belongs to user {status.st_uid}, not to us ({os.geteuid()})", f"chown {path}")
        elif stat.S_IMODE(status.st_mode) & 0o022 or (path == patient.data and stat.S_IMODE(status.st_mode) & 0o077):
            yield Finding(
                str(path), f"others may enter it (mode {stat.S_IMODE(status.st_mode):o})", f"chmod go= {path}"
            )


def disk(patient: Patient) -> Iterator[Finding]:
    """Is there room? A full disk holds mail up: it is deferred, not lost."""
    usage = shutil.disk_usage(patient.data)
    if usage.free < max(LEAST_FREE, LEAST_SHARE * usage.total):
        cause = f"{usage.free >> 20} MiB of {usage.total >> 20} MiB are free; when it is full, mail is deferred"
        yield Finding("disk", cause, f"make room on the disk of {patient.data}")
    files = os.statvfs(patient.data)
    if files.f_files and files.f_favail < LEAST_SHARE * files.f_files:
        yield Finding("disk", f"{files.f_favail} more files fit", f"make room on the disk of {patient.data}")


def time(patient: Patient) -> Iterator[Finding]:
    """Is our clock right, by the token service's own, and does the kernel know it to be kept right?"""
    if not _kept_right():
        yield note(
            "clock", "the kernel says that nothing keeps its clock right", "run chrony or systemd-timesyncd here"
        )
    if patient.offline:
        return
    where = patient.config.microsoft365
    url = f"{where.login}/common/v2.0/.well-known/openid-configuration"
    try:
        with Wire(Endpoints(where.login, ca=str(where.ca) if where.ca else None), seconds=10) as wire:
            before = clock.now()
            answer = wire.send("GET", url, {})
            after = clock.now()
    except Unavailable as error:
        if patient.books is not None:
            yield Finding("token service", error.message, error.hint or "see that this machine may reach it over HTTPS")
        return
    theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    # Date has whole seconds: anything up to one second after ours is no difference.
    off = min((abs(theirs - ours) for ours in (before, after)), default=timedelta())
    if off > CLOSE_ENOUGH:
        cause = f"our clock is {off.total_seconds():.0f} s off the token service's; beyond 300 s nothing is signed in"
        yield Finding("clock", cause, "set it by NTP: chrony or systemd-timesyncd")


def _kept_right() -> bool:
    """Ask the kernel (adjtimex, read only) whether its clock is synchronised: STA_UNSYNC is not set."""
    status_at, sta_unsync = 40, 0x40  # struct timex of a 64-bit Linux
    buffer = ctypes.create_string_buffer(256)
    try:
        if ctypes.CDLL(None, use_errno=True).adjtimex(buffer) < 0:
            return True  # it cannot be seen, so nothing is said
    except (OSError, AttributeError):
        return True
    return not int.from_bytes(buffer.raw[status_at : status_at + 4], "little") & sta_unsync


def isolation(patient: Patient) -> Iterator[Finding]:
    """Is a worker that takes messages apart really shut in? Found by starting one and letting it try."""
    bounds = Bounds(seconds=patient.config.scan.seconds, memory=patient.config.scan.memory_octets)
    with Pool(WORK, 1, bounds) as pool:
        found = pool.ready_sync()
    open_doors = [field.name for field in fields(Isolation) if getattr(found, field.name) is False]
    for door in open_doors:
        yield Finding(
            "workers",
            f"a worker can still reach: {door.replace('_', ' ')} ({'; '.join(found.missing) or 'no reason known'})",
            "docs/isolation.md says what the kernel or the container must allow",
        )
