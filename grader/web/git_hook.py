"""Runs as a git hook, started by git itself: asks the service, prints what it answers as it comes.

    python -SEs git_hook.py pre-receive | post-receive

Standard library only and nothing of grader: it starts with every push and must not take long. Where the service cannot
be asked, pre-receive refuses the push, and after post-receive the service finds the commit by itself.
"""

import json
import os
import socket
import sys

#: Far above what anybody pushes, and far below what the service listens to.
MOST_REFS = 100


def main(phase: str) -> int:
    """The hook's exit code."""
    count = int(os.environ.get("GIT_PUSH_OPTION_COUNT", "0"))
    updates = [line.rstrip("\n").split(" ", 2) for line in sys.stdin]
    if len(updates) > MOST_REFS:
        print("too many refs at once: only the branch main is graded\n  git push origin HEAD:main", flush=True)
        return 1
    kept = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
    asked = {
        "phase": phase,
        "secret": os.environ["GRADER_HOOK_SECRET"],
        "updates": updates,
        "options": [os.environ.get(f"GIT_PUSH_OPTION_{n}", "") for n in range(count)],
        "quarantine": {name: os.environ[name] for name in kept if name in os.environ},
    }
    with socket.socket(socket.AF_UNIX) as service:
        try:
            service.connect(os.environ["GRADER_HOOK_SOCKET"].replace("@", "\0", 1))
            service.sendall(json.dumps(asked).encode())
            service.shutdown(socket.SHUT_WR)
            code = service.recv(1)
            while text := service.recv(65_536):
                sys.stdout.buffer.write(text)
                sys.stdout.buffer.flush()
        except OSError:
            print("the grader was interrupted; what was accepted is kept", flush=True)
            return 1
    return 0 if code == b"0" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
