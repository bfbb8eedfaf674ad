"""What the kernel takes from a process for good: network, files, and most of its own calls.

Each wall is tried by itself, and says whether it stands. A kernel or a container may forbid some
of them, and machines other than x86-64 and arm64 have no filter of calls here; then the others must
do. None can be taken down again, by whatever runs in the process later.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

_APPS: Final = Path(__file__).resolve().parents[2]
_SYSTEM: Final = ctypes.CDLL(None, use_errno=True)

# <linux/prctl.h>, <linux/sched.h>
_SET_DUMPABLE: Final = 4
_SET_SECCOMP: Final = 22
_NO_NEW_PRIVILEGES: Final = 38
_NEW_USER: Final = 0x10000000
_NEW_NETWORK: Final = 0x40000000

# <linux/seccomp.h>, <linux/bpf_common.h>: instructions are code, jumps if true and false, number.
_FILTERS: Final = 2
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.ENOSYS
_LOAD, _IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_CALL, _MACHINE, _THIRD_ARGUMENT = 0, 4, 32  # where in what a filter is shown
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# Calls of what computes, and loads parts of itself late: nothing that starts, sends or changes
# anything. Numbers of <asm/unistd.h>; `openat` only to read.
_X86_64: Final = {
    "read write close stat fstat lstat poll lseek": (0, 1, 3, 4, 5, 6, 7, 8),
    "mmap mprotect munmap brk": (9, 10, 11, 12),
    "rt_sigaction rt_sigprocmask rt_sigreturn": (13, 14, 15),
    "pread64 readv writev access sched_yield mremap madvise": (17, 19, 20, 21, 24, 25, 28),
    "getpid exit fcntl getcwd readlink": (39, 60, 72, 79, 89),
    "sigaltstack gettid futex getdents64 clock_gettime": (131, 186, 202, 217, 228),
    "exit_group newfstatat readlinkat set_robust_list": (231, 262, 267, 273),
    "getrandom membarrier statx rseq faccessat2": (318, 324, 332, 334, 439),
}
_ARM_64: Final = {
    "getcwd fcntl faccessat close getdents64 lseek read write": (17, 25, 48, 57, 61, 62, 63, 64),
    "readv writev pread64 ppoll readlinkat newfstatat fstat": (65, 66, 67, 73, 78, 79, 80),
    "exit exit_group futex set_robust_list clock_gettime": (93, 94, 98, 99, 113),
    "sched_yield sigaltstack rt_sigaction rt_sigprocmask rt_sigreturn": (124, 132, 134, 135, 139),
    "getpid gettid brk munmap mremap mmap mprotect madvise": (
        172,
        178,
        214,
        215,
        216,
        222,
        226,
        233,
    ),
    "getrandom membarrier statx rseq faccessat2": (278, 283, 291, 293, 439),
}
# By platform.machine(): the kernel's name for the machine (<linux/audit.h>), the calls, `openat`.
_MACHINES: Final[Mapping[str, tuple[int, Mapping[str, Iterable[int]], int]]] = {
    "x86_64": (0xC000003E, _X86_64, 257),
    "aarch64": (0xC00000B7, _ARM_64, 56),
}

# <linux/landlock.h>; the numbers of these calls are the same on all machines.
_RULES_MAKE, _RULES_ADD, _RULES_OBEY = 444, 445, 446
_WHICH_VERSION: Final = 1
_BENEATH: Final = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_RIGHTS_OF_VERSION: Final = (0, 13, 14, 15, 15, 16)  # how many rights each version knows


def _gain_nothing() -> None:
    """Gain no right by any program; whoever has said that may put up walls for itself."""
    _SYSTEM.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def leave_network() -> bool:
    """Go where there is no network."""
    _gain_nothing()
    return any(_SYSTEM.unshare(kind) == 0 for kind in (_NEW_NETWORK, _NEW_USER | _NEW_NETWORK))


def leave_folder() -> None:
    """Work in a folder that is empty, and in which nothing can be made: it is no more."""
    try:
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        Path(folder).rmdir()
    except OSError:
        os.chdir("/")


def hide() -> None:
    """Let no other process look inside, and leave no picture of the memory behind."""
    _SYSTEM.prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def leave_files(readable: Iterable[Path] | None = None) -> bool:
    """Open no file but those of programs, and these only to read them (Landlock, Linux 5.13)."""
    _gain_nothing()
    version = _SYSTEM.syscall(_RULES_MAKE, None, 0, _WHICH_VERSION)
    if version < 1:
        return False
    count = _RIGHTS_OF_VERSION[min(version, len(_RIGHTS_OF_VERSION) - 1)]
    rights = struct.pack("=Q", (1 << count) - 1)  # what no rule gives back is gone
    rules = _SYSTEM.syscall(_RULES_MAKE, rights, len(rights), 0)
    if rules < 0:
        return False
    try:
        for folder in _programs() if readable is None else readable:
            _give_back(rules, folder)
        return bool(_SYSTEM.syscall(_RULES_OBEY, rules, 0) == 0)
    finally:
        os.close(rules)


def _programs() -> list[Path]:
    """Where Python, its packages, the libraries of the system and our own modules are."""
    found = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    found += ["/usr/lib", "/lib", "/usr/lib64", "/lib64"]
    # Never the folder in which ours are: a service keeps its mail beside them.
    paths = [Path(one) for one in (*found, *sys.path) if one]
    return [_APPS, *(one for one in paths if one != _APPS.parent and one.is_dir())]


def _give_back(rules: int, folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = struct.pack("=Qi", _READ_FILE | _READ_FOLDER, descriptor)
        _SYSTEM.syscall(_RULES_ADD, rules, _BENEATH, rule, 0)
    finally:
        os.close(descriptor)


def leave_calls() -> bool:
    """Make no call but the few that computing takes (seccomp); any other one is answered as if this
    kernel had no such call, which libraries are prepared for."""
    if _FILTER is None:
        return False
    _gain_nothing()
    return bool(_SYSTEM.prctl(_SET_SECCOMP, _FILTERS, ctypes.byref(_FILTER), 0, 0) == 0)


class _Program(ctypes.Structure):
    """struct sock_fprog of <linux/filter.h>."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _filter() -> _Program | None:
    if platform.machine() not in _MACHINES or sys.maxsize < 2**32:
        return None
    name, calls, opening = _MACHINES[platform.machine()]
    numbers = sorted({number for some in calls.values() for number in some})
    # From the last comparison on: opening (3), then the three ends.
    allowed = len(numbers) + 4
    program = [
        (_LOAD, 0, 0, _MACHINE),
        (_IF_EQUAL, 1, 0, name),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _CALL),
        *((_IF_EQUAL, allowed - at - 1, 0, number) for at, number in enumerate(numbers)),
        (_IF_EQUAL, 0, 2, opening),
        (_LOAD, 0, 0, _THIRD_ARGUMENT),
        (_IF_ANY_BIT, 0, 1, _WRITING),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    packed = b"".join(struct.pack("=HBBI", *one) for one in program)
    return _Program(len(program), packed)


_FILTER: Final = _filter()
"""Made once: a child then needs a single call."""
