"""The filter of system calls, run by a small BPF machine of the test's own."""

import struct

import pytest

from counterfoil.bounded.seccomp import Unsupported, program

ALLOW, EPERM, KILL = 0x7FFF0000, 0x00050001, 0x80000000
X86_64, AARCH64 = 0xC000003E, 0xC00000B7


def verdict(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Run the filter on one system call as the kernel would."""
    code = program(machine)
    seen = struct.pack("<IIQ", number, architecture or (X86_64 if machine == "x86_64" else AARCH64), 0)
    seen += b"".join(struct.pack("<Q", argument) for argument in (*arguments, *[0] * 6)[:6])
    accumulator = place = 0
    while True:
        operation, if_true, if_false, value = struct.unpack_from("<HBBI", code, place * 8)
        place += 1
        if operation == 0x06:
            return value
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", seen, value)[0]
            continue
        holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
        place += if_true if holds else if_false


@pytest.mark.parametrize(
    ("machine", "name", "number"),
    [
        ("x86_64", "socket", 41),
        ("x86_64", "connect", 42),
        ("x86_64", "sendto", 44),
        ("x86_64", "sendmsg", 46),
        ("x86_64", "clone", 56),
        ("x86_64", "fork", 57),
        ("x86_64", "vfork", 58),
        ("x86_64", "execve", 59),
        ("x86_64", "kill", 62),
        ("x86_64", "rename", 82),
        ("x86_64", "unlink", 87),
        ("x86_64", "chmod", 90),
        ("x86_64", "ptrace", 101),
        ("x86_64", "prctl", 157),
        ("x86_64", "setrlimit", 160),
        ("x86_64", "unshare", 272),
        ("x86_64", "prlimit64", 302),
        ("x86_64", "bpf", 321),
        ("x86_64", "execveat", 322),
        ("x86_64", "io_uring_setup", 425),
        ("x86_64", "clone3", 435),
        ("x86_64", "openat2", 437),
        ("aarch64", "unlinkat", 35),
        ("aarch64", "unshare", 97),
        ("aarch64", "kill", 129),
        ("aarch64", "prctl", 167),
        ("aarch64", "socket", 198),
        ("aarch64", "connect", 203),
        ("aarch64", "clone", 220),
        ("aarch64", "execve", 221),
        ("aarch64", "bpf", 280),
    ],
)
def test_a_call_beyond_computing_is_refused(machine, name, number):
    """Each of these calls reaches outside the process and gets EPERM."""
    assert verdict(machine, number) == EPERM, name


@pytest.mark.parametrize(
    ("machine", "number"),
    [("x86_64", 0), ("x86_64", 1), ("x86_64", 9), ("x86_64", 231), ("aarch64", 63), ("aarch64", 94)],
)
def test_a_call_that_computing_needs_is_allowed(machine, number):
    """Reading, writing, memory and the end are allowed."""
    assert verdict(machine, number) == ALLOW


@pytest.mark.parametrize(
    ("flags", "wanted"), [(0o2000000, ALLOW), (1, EPERM), (2, EPERM), (0o100, EPERM), (0o1000, EPERM)]
)
def test_opening_is_for_reading_alone(flags, wanted):
    """Openat with any flag that writes or makes a file is refused, on both machines."""
    assert {wanted} == {
        verdict("x86_64", 257, 0, 0, flags),
        verdict("aarch64", 56, 0, 0, flags),
        verdict("x86_64", 2, 0, flags),
    }


def test_another_architecture_is_killed():
    """A 32-bit call from a 64-bit process (number 1 is exit there, not write) ends the process."""
    assert verdict("x86_64", 1, architecture=0x40000003) == KILL


def test_the_x32_numbers_are_refused():
    """The x32 variant of write is no way around the list."""
    assert verdict("x86_64", 0x40000001) == EPERM


def test_a_machine_without_a_table_says_so():
    """An unknown architecture gets no filter, and a reason for the report."""
    with pytest.raises(Unsupported, match="no table of system calls for riscv64"):
        program("riscv64")
