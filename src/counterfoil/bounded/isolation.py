"""Shut the worker in, then try the doors: what is reported is what was tried, never what was meant.

Each means degrades by itself: where the kernel or the container refuses one, its reason is reported
and the others still hold. The bounds on time and output need none of them; the parent keeps those.
"""

import ctypes
import json
import resource
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from counterfoil.bounded import trials
from counterfoil.bounded.frames import Bounds
from counterfoil.bounded.landlock import library_paths, restrict_files
from counterfoil.bounded.seccomp import Unsupported, forbid_new_privileges, restrict_calls

CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
OPEN_FILES = 64


@dataclass(frozen=True, slots=True)
class Isolation:
    """What the worker really cannot do, found out by trying it from inside.

    ``in_force`` names the means that stand; ``missing`` says why another does not.
    """

    memory: bool
    file_writes: bool
    file_reads: bool
    sockets: bool
    network: bool
    processes: bool
    programs: bool
    signals: bool
    in_force: tuple[str, ...]
    missing: tuple[str, ...]

    def to_json(self) -> bytes:
        """Spell it as one JSON object."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Isolation":
        """Read what ``to_json`` wrote."""
        fields = json.loads(text)
        return cls(**fields | {name: tuple(fields[name]) for name in ("in_force", "missing")})


def shut_in(bounds: Bounds, lifetime: float) -> Isolation:
    """Put every means in force on this very process, for good, and try each door.

    Args:
        bounds: The bounds of one job.
        lifetime: Seconds of processor time after which the kernel ends the worker.
    """
    in_force: list[str] = []
    missing: list[str] = []

    def attempt(means: Callable[[], str]) -> None:
        try:
            in_force.append(means())
        except (Unsupported, OSError, ValueError) as error:
            missing.append(str(error))

    attempt(_offer_to_the_oom_killer)
    attempt(lambda: _limit_resources(bounds, lifetime))
    attempt(_leave_namespaces)
    network = trials.network_is_unreachable()
    attempt(forbid_new_privileges)
    attempt(lambda: _limit_memory(bounds.memory))
    attempt(lambda: restrict_files((*library_paths(), *map(Path, bounds.reads)), bounds.writes))
    attempt(lambda: restrict_calls(files=bounds.writes is not None, threads=bounds.threads))
    return Isolation(
        memory=trials.memory_is_bounded(bounds.memory),
        file_writes=trials.denied(trials.write_a_file),
        file_reads=trials.denied(trials.read_a_file),
        sockets=trials.denied(trials.open_a_socket),
        network=network,
        processes=trials.denied(trials.fork),
        programs=trials.denied(trials.run_a_program),
        signals=trials.denied(trials.signal_the_parent),
        in_force=tuple(in_force),
        missing=tuple(missing),
    )


def _offer_to_the_oom_killer() -> str:
    # If the machine runs out of memory, the worker goes first and not the listener.
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    return "oom_score_adj"


def _limit_resources(bounds: Bounds, lifetime: float) -> str:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    largest = 0 if bounds.writes is None else bounds.output
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    if not bounds.threads:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # bites wherever the worker is not root
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    seconds = int(lifetime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    return "rlimits"


def _limit_memory(memory: int) -> str:
    pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    limit = pages * resource.getpagesize() + memory
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return "rlimit of address space"


def _leave_namespaces() -> str:
    library = ctypes.CDLL(None, use_errno=True)
    # A user namespace of its own also takes every capability away that root would have.
    for flags, name in (
        (CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC, "user, network and ipc namespaces"),
        (CLONE_NEWNET | CLONE_NEWIPC, "network and ipc namespaces"),
    ):
        if library.unshare(flags) == 0:
            return name
    raise Unsupported(f"no namespaces of its own, errno {ctypes.get_errno()}")
