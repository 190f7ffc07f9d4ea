"""`grader credential`: git asks it for the token of a grader that you are logged in to. `grader login` sets that up."""

import shlex
import shutil
import subprocess
import sys
from typing import Annotated

import typer

from grader.client import credentials

MAX_ASKED_CHARACTERS = 10_000
CONFIG_S = 10.0


def command(
    action: Annotated[str, typer.Argument(help="What git wants: get; store and erase change nothing here")],
) -> None:
    """Answer git's credential protocol on standard input and output. Says nothing of a server it does not know."""
    asked = dict(line.split("=", 1) for line in sys.stdin.read(MAX_ASKED_CHARACTERS).splitlines() if "=" in line)
    if action != "get" or "host" not in asked:
        return
    server = f"{asked.get('protocol', 'https')}://{asked['host']}"
    known = credentials.read().logins.get(server)
    if known is not None:
        print(f"username={known.login}\npassword={known.token}")


def teach_git(server: str) -> bool:
    """Have git ask us, and nobody else, for this server's password; False where there is no git."""
    git = shutil.which("git")
    if git is None:
        return False
    key = f"credential.{server}.helper"
    helper = f"!{shlex.join([sys.executable, '-m', 'grader', 'credential'])}"
    for words in (["--replace-all", key, ""], ["--add", key, helper]):  # an empty one silences those before it
        done = subprocess.run([git, "config", "--global", *words], capture_output=True, timeout=CONFIG_S, check=False)
        if done.returncode != 0:
            return False
    return True
