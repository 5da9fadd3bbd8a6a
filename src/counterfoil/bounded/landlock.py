"""Landlock (kernel 5.13 and later): this process may read the Python library, and no other file at all.

The library stays readable because codecs and lazily imported modules are loaded while a message is
parsed; nothing may be written, made, removed or renamed anywhere.
"""

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from counterfoil.bounded.seccomp import Unsupported

# The same numbers on every architecture.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
RULE_PATH_BENEATH = 1

READ_FILE, READ_DIR = 1 << 2, 1 << 3
# Write to files, remove, make and truncate them.
WRITE, REMOVE_FILE, MAKE_FILE, TRUNCATE = 1 << 1, 1 << 5, 1 << 8, 1 << 14
# The file-system rights that each version of the interface knows, as a bit mask.
RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
ALL_NETWORK = 0b11  # bind and connect TCP, from version 4
ALL_SCOPES = 0b11  # abstract UNIX sockets and signals, from version 6

PACKAGES = frozenset({"site-packages", "dist-packages"})
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")


def version() -> int:
    """Return the version of the kernel's Landlock interface, 0 where there is none."""
    return max(0, int(_library().syscall(CREATE_RULESET, None, 0, ASK_VERSION)))


def library_paths() -> tuple[Path, ...]:
    """Return the places that Python and its extension modules are loaded from, and the package itself.

    Of ``sys.path`` only folders of installed packages are used: it may hold the working directory, with
    our own state in it.
    """
    scheme = sysconfig.get_paths()
    names = {scheme[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    installed = [name for name in sys.path if Path(name).name in PACKAGES]
    here = Path(__file__).resolve().parents[1]
    return tuple(sorted({Path(name).resolve() for name in (*names, *installed, *LIBRARIES)} | {here}))


def restrict_files(readable: Iterable[Path], writable: str | None = None) -> str:
    """Deny all access to files except reading below ``readable``, for good; needs no_new_privs.

    Args:
        readable: Files and folders.
        writable: One folder in which files may also be made, written and removed.

    Returns:
        What is now in force.

    Raises:
        Unsupported: If the kernel has no Landlock or refuses.
    """
    interface = version()
    if interface == 0:
        raise Unsupported("the kernel has no Landlock")
    library = _library()
    rights = RIGHTS[min(interface, max(RIGHTS))]
    attributes = struct.pack("=QQQ", rights, ALL_NETWORK, ALL_SCOPES)
    size = 8 if interface < 4 else 16 if interface < 6 else 24
    rules = library.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if rules < 0:
        raise Unsupported(f"Landlock takes no rules, errno {ctypes.get_errno()}")
    try:
        for path in readable:
            _allow(library, rules, path, 0)
        if writable is not None:
            _allow(library, rules, Path(writable), rights & (WRITE | REMOVE_FILE | MAKE_FILE | TRUNCATE))
        if library.syscall(RESTRICT_SELF, rules, 0) != 0:
            raise Unsupported(f"Landlock cannot be put in force, errno {ctypes.get_errno()}")
    finally:
        os.close(rules)
    return f"landlock (interface {interface})"


def _allow(library: ctypes.CDLL, rules: int, path: Path, more: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rights = more | (READ_FILE | READ_DIR if path.is_dir() else READ_FILE)
        rule = struct.pack("=Qi", rights, place)
        if library.syscall(ADD_RULE, rules, RULE_PATH_BENEATH, rule, 0) != 0:
            raise Unsupported(f"Landlock refuses a rule for {path}, errno {ctypes.get_errno()}")
    finally:
        os.close(place)


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
