"""What every sandboxed process finds inside, whatever kind of sandbox it runs in."""

from collections.abc import Sequence
from types import MappingProxyType

from worker.limits import MIB
from worker.sandbox import Role

WORK = "/work"
CHANNEL = "/channel"
CHANNEL_MIB = 1
# Whoever knows a name in /channel reaches it; nobody can list the names, its owner included, whom without root's help
# judge and guest both are. That only the judge may write there is said by the mount.
CHANNEL_MODE = 0o333

# The whole environment: nothing of the caller's is passed on. One BLAS thread, because a submission's result and its
# time must not depend on the machine's core count.
ENVIRONMENT = MappingProxyType(
    {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": WORK,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
)

# A judge's arrays stay its own when they are freed: giving each back to the system and taking it again costs a fifth of
# a spec's time. Not for guests, whose bounds would be about something else then.
JUDGE_ENVIRONMENT = MappingProxyType(
    {
        "MALLOC_MMAP_THRESHOLD_": str(256 * MIB),
        "MALLOC_TRIM_THRESHOLD_": str(256 * MIB),
        "MALLOC_TOP_PAD_": str(4 * MIB),
    }
)

# Different users, so that neither could touch the other even if their process tables were ever joined.
USERS = MappingProxyType({Role.JUDGE: 61001, Role.GUEST: 61002, Role.JOINED: 61003})

JUDGE_LIBRARIES = ("numpy", "pytest", "pytest-json-report")
GUEST_LIBRARIES = ("numpy",)


def command(role: Role, argv: Sequence[str], interpreter: Sequence[str], **more: str) -> list[str]:
    """`argv` with its first word `python` replaced by `interpreter`, under exactly our environment plus `more`.

    `env -i` runs inside, after whatever started the process there has added variables of its own.
    """
    words = [*interpreter, *argv[1:]] if argv and argv[0] == "python" else list(argv)
    variables = {**ENVIRONMENT, **(JUDGE_ENVIRONMENT if role is Role.JUDGE else {}), **more}
    return ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in variables.items()), *words]


def exit_code(status: int) -> int:
    """Both kinds report a signal as 128 + its number; ours is negative, as in `subprocess`."""
    return 128 - status if 128 < status <= 128 + 64 else status
