"""`grader login URL`: who you are to a grader, kept for the other commands."""

import os
import platform
import sys
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import typer
from rich.text import Text

from grader.client import credentials, session
from grader.client.answers import Incomprehensible
from grader.client.remote import Remote
from grader.commands import console, credential
from grader.domain.errors import Refused

MAX_TOKEN_CHARACTERS = 1_000
_WHERE = "make a token on the grader's page under your name, or use the link your instructor gave you"


def command(
    address: Annotated[str, typer.Argument(metavar="URL", help="The grader's address, or a one-time link to it")],
    token: Annotated[
        str | None, typer.Option("--token", help="A token; others on this machine may see it here")
    ] = None,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from standard input")] = False,
    no_git: Annotated[bool, typer.Option("--no-git", help="Leave git's settings alone")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Forget the login to this grader")] = False,
) -> None:
    """Log in with a token (asked for, or from GRADER_TOKEN) or a one-time link. Exit code 0: logged in; 2: refused."""
    server = credentials.server_of(address)
    if forget:
        known = credentials.forget(server)
        console.out.print(Text(f"Forgotten: {server}" if known else f"You were not logged in to {server}."))
        return
    if credentials.readable_on_the_way(server):
        console.err.print(Text(f"note: {server} is not https: others on the way can read your token", style="yellow"))
    used = _redeemed(server, address) or _token(token, token_stdin)
    with Remote(server, used) as remote:
        me = remote.me()
    login, name, roles = me.get("login"), me.get("name"), me.get("roles")
    if not isinstance(login, str) or not isinstance(roles, dict):
        raise Incomprehensible(server)
    file = credentials.keep(credentials.Login(server, used, login))
    who = f"{name} ({login})" if isinstance(name, str) and name not in ("", login) else login
    console.out.print(Text(f"Logged in to {server} as {who}."), soft_wrap=True)
    for course, role in sorted(roles.items()):
        console.out.print(Text(f"  {course}: {role}"))
    if not roles:
        console.out.print(Text("You are in no course yet: ask your instructor to add you."))
    console.out.print(Text(f"Kept in {file}", style="dim"), soft_wrap=True)
    if roles and not no_git and credential.teach_git(server):
        console.out.print("Your repository, with the starters in it; each push to it is graded:")
        for course in sorted(roles):
            console.out.print(Text(f"  git clone {server}/git/{course}/{login}.git {course}"), soft_wrap=True)


def _redeemed(server: str, address: str) -> str:
    """A token for the one-time link in `address`; empty where it is none."""
    link = parse_qs(urlsplit(address.strip()).query).get("token", [""])[0]
    if not link:
        return ""
    with Remote(server) as remote:
        return remote.exchange(link, f"grader login on {platform.node() or 'a computer'}")


def _token(given: str | None, from_stdin: bool) -> str:
    if given is not None:
        token = given
    elif from_stdin:
        token = sys.stdin.readline(MAX_TOKEN_CHARACTERS)
    elif session.TOKEN in os.environ:
        token = os.environ[session.TOKEN]
    elif sys.stdin.isatty():
        token = typer.prompt("Token (not shown)", hide_input=True, err=True)
    else:
        raise Refused("there is no token to log in with", f"give --token-stdin or {session.TOKEN}; {_WHERE}")
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or len(token) >= MAX_TOKEN_CHARACTERS:
        raise Refused("this is no token of a grader", _WHERE)
    return token
