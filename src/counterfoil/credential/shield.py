"""Shut the signer in: no core dumps, no debugger, no network; what is really in force is reported, not meant."""

import ctypes
import os
import resource
from dataclasses import dataclass

from counterfoil.bounded import trials

_PR_SET_DUMPABLE = 4
_PR_GET_DUMPABLE = 3
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, slots=True)
class Shield:
    """What holds, and what does not with the reason."""

    in_force: tuple[str, ...]
    missing: tuple[str, ...]


def raise_shield(*, leave_network: bool = True) -> Shield:
    """Put on what the kernel lets us, before the first thread starts, and try what holds.

    Args:
        leave_network: Go into a network namespace without interfaces; not where a token is behind the network.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    in_force: list[str] = []
    missing: list[str] = []
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    undumpable = libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
    (in_force if undumpable else missing).append("no debugger or core dump of the same user")
    if leave_network:
        libc.unshare(_CLONE_NEWNET)
    if trials.network_is_unreachable():
        in_force.append("no network")
    else:
        missing.append("no network (start it under systemd with PrivateNetwork=yes, or with CAP_SYS_ADMIN)")
    return Shield(tuple(in_force), tuple(missing))
