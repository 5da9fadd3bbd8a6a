"""A list of the system calls that computing needs; every other one fails with EPERM.

The filter is classic BPF, installed with prctl(2). EPERM instead of death, so that a library that tries
something surplus gets an OSError, which becomes ``uninspectable`` with a reason. Numbers are those of the
kernel's tables for x86_64 and the generic one that aarch64 uses; elsewhere there is no filter, and
the isolation report says so.
"""

import ctypes
import platform
import struct

PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2

RET_ALLOW = 0x7FFF0000
RET_EPERM = 0x00050001
RET_KILL = 0x80000000

# BPF: load word, jump if equal / greater-or-equal / any bit set, return.
LD, JEQ, JGE, JSET, RET = 0x20, 0x15, 0x35, 0x45, 0x06
OFFSET_NUMBER, OFFSET_ARCHITECTURE = 0, 4
X32_BIT = 0x40000000

# O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, the same on both architectures.
WRITING = 0x1 | 0x2 | 0x40 | 0x200 | 0x400

# Name: number on x86_64, number on aarch64 (None where the architecture has no such call).
ALLOWED: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "access": (21, None),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "setitimer": (38, 103),
    "getpid": (39, 172),
    "exit": (60, 93),
    "uname": (63, 160),
    "getcwd": (79, 17),
    "readlink": (89, None),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "times": (100, 153),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    "getppid": (110, 173),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "time": (201, None),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "getdents64": (217, 61),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "newfstatat": (262, 79),
    "readlinkat": (267, 78),
    "faccessat": (269, 48),
    "set_robust_list": (273, 99),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "statx": (332, 291),
    "rseq": (334, 293),
    "faccessat2": (439, 439),
}

# For a worker that writes files in its one folder (Landlock says which): the same, and opening for writing.
FOR_FILES: dict[str, tuple[int | None, int | None]] = {
    "pwrite64": (18, 68),
    "fcntl": (72, 25),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "ftruncate": (77, 46),
    "rename": (82, None),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "renameat": (264, 38),
    "fallocate": (285, 47),
}

# For a worker with threads: clone alone, and only as a thread of this process. The newer call passes its
# flags in memory, where no filter can see them: it is "not there", and the C library takes the older.
CLONE, CLONE3 = (56, 220), (435, 435)
CLONE_THREAD, RET_ENOSYS = 0x10000, 0x00050026
FOR_THREADS: dict[str, tuple[int | None, int | None]] = {
    "prctl": (157, 167),
    "sched_setscheduler": (144, 119),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "sched_setaffinity": (203, 122),
}

# Opening is allowed for reading alone: number on each, and which argument carries the flags.
OPENING: dict[str, tuple[tuple[int | None, int | None], int]] = {"open": ((2, None), 1), "openat": ((257, 56), 2)}

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


class Unsupported(Exception):
    """The kernel or the architecture has no such means; the worker goes on with what there is."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def program(machine: str, *, files: bool = False, threads: bool = False) -> bytes:
    """Assemble the filter for a machine as ``platform.machine()`` names it; see ``FOR_FILES`` and ``FOR_THREADS``.

    Raises:
        Unsupported: If we have no table for it.
    """
    if machine not in ARCHITECTURES:
        raise Unsupported(f"no table of system calls for {machine}")
    column, architecture = ARCHITECTURES[machine]
    code = [_step(LD, OFFSET_ARCHITECTURE), _step(JEQ, architecture, 1, 0), _step(RET, RET_KILL)]
    code += [_step(LD, OFFSET_NUMBER)]
    code += [_step(JGE, X32_BIT, 0, 1), _step(RET, RET_EPERM)]
    allowed = {**ALLOWED, **(FOR_FILES if files else {}), **(FOR_THREADS if threads else {})}
    if files:
        allowed |= {name: numbers for name, (numbers, _) in OPENING.items()}
    for numbers in allowed.values():
        if (number := numbers[column]) is not None:
            code += [_step(JEQ, number, 0, 1), _step(RET, RET_ALLOW)]
    if threads:
        code += [_step(JEQ, CLONE3[column], 0, 1), _step(RET, RET_ENOSYS), _step(JEQ, CLONE[column], 0, 4)]
        code += [_step(LD, 16), _step(JSET, CLONE_THREAD, 0, 1), _step(RET, RET_ALLOW), _step(RET, RET_EPERM)]
    for numbers, argument in OPENING.values():
        if (number := numbers[column]) is not None:
            flags = 16 + 8 * argument  # the low word of the argument; both machines are little-endian
            code += [_step(JEQ, number, 0, 4), _step(LD, flags), _step(JSET, WRITING, 0, 1)]
            code += [_step(RET, RET_EPERM), _step(RET, RET_ALLOW)]
    return b"".join([*code, _step(RET, RET_EPERM)])


def forbid_new_privileges() -> str:
    """Set no_new_privs: no set-uid program gives this process anything again. Returns what is in force.

    Raises:
        Unsupported: If the kernel refuses.
    """
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    return "no_new_privs"


def restrict_calls(*, files: bool = False, threads: bool = False) -> str:
    """Install the filter for good; needs no_new_privs. Returns what is now in force.

    Raises:
        Unsupported: If the machine has no table or the kernel refuses.
    """
    machine = platform.machine()
    code = program(machine, files=files, threads=threads)
    buffer = ctypes.create_string_buffer(code, len(code))
    filled = _Program(len(code) // 8, ctypes.addressof(buffer))
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(filled))
    return f"seccomp ({machine})"


def _step(code: int, value: int, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, jump_true, jump_false, value)


def _prctl(option: int, first: int, second: int = 0) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_ulong(value) for value in (first, second, 0, 0))
    if library.prctl(ctypes.c_int(option), *arguments) != 0:
        raise Unsupported(f"prctl({option}) is refused, errno {ctypes.get_errno()}")
