"""Hostile single files: their names and what is in them."""

from tests.attacks.uploads.case import CODE, MIB, Upload

_ESCAPED = b"# coding: raw_unicode_escape\n# \\u000aimport os; os._exit(0)\n" + CODE
_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12\n"


def plain(name: str) -> Upload:
    """A file of that name, which names nothing on our side."""
    return Upload(name, lambda: CODE)


LONE = {
    "path out": plain("../../../etc/passwd.py"),
    "absolute path": plain("/etc/cron.d/x.py"),
    "backslashes": plain("..\\..\\x.py"),
    "drive": plain("C:\\Windows\\x.py"),
    "device of Windows": plain("con.py"),
    "escapes": plain("\x1b]0;owned\x07.py"),
    "markup": plain("<img src=x onerror=alert(1)>.py"),
    "formula": plain("=cmd|' /C calc'!A0.py"),
    "template": plain("{{7*7}}${7*7}.py"),
    "name of 1,000 letters": plain("x" * 1_000 + ".py"),
    "name of 50,000 letters": Upload("x" * 50_000 + ".py", lambda: CODE, "Invalid multipart data", status=400),
    "turned around": plain("yp.\u202eexe.py"),
    "not a kind we grade": Upload("starter.py.exe", lambda: CODE, "no kind of file I can grade"),
    "compiled": Upload("starter.pyc", lambda: b"\xa7\r\r\n\0\0\0\0", "no kind of file I can grade"),
    "compiled in a source's clothes": Upload("starter.py", lambda: b"\xa7\r\r\n\0\0\0\0", "NUL"),
    "notebook": Upload("starter.ipynb", lambda: b"{}", "no kind of file I can grade"),
    "pickle": Upload("starter.pkl", lambda: b"cos\nsystem\n(S'id'\ntR.", "no kind of file I can grade"),
    "NUL in the middle": Upload("starter.py", lambda: CODE + b"\0" + CODE, "NUL"),
    "UTF-16": Upload("starter.py", lambda: CODE.decode().encode("utf-16"), "UTF-16"),
    "UTF-32": Upload("starter.py", lambda: CODE.decode().encode("utf-32"), "UTF-16|NUL"),
    "Latin-1": Upload("starter.py", lambda: CODE + b"# caf\xe9\n", "not a text file in UTF-8: line 3"),
    "overlong UTF-8": Upload("starter.py", lambda: CODE + b"# \xc0\xaf\n", "not a text file in UTF-8"),
    "surrogates in UTF-8": Upload("starter.py", lambda: CODE + b"# \xed\xa0\x80\n", "not a text file in UTF-8"),
    "encoding with escapes in comments": Upload("starter.py", lambda: _ESCAPED, "written in raw_unicode_escape"),
    "UTF-7": Upload("starter.py", lambda: b"#!x\n# vim: fileencoding=utf-7\n# +AAo-import os\n" + CODE, "utf-7"),
    "encoding after a lone return": Upload("starter.py", lambda: b"#\r# coding: utf-7\r" + CODE, "utf-7"),
    "pointer": Upload("starter.py", lambda: _POINTER, "Git LFS pointer"),
    "a megabyte and one": Upload("starter.py", lambda: b"#" * (MIB + 1), "larger than 1 MB"),
    "sixteen megabytes": Upload("starter.py", lambda: b"#" * (16 * MIB), "larger than 1 MB"),
    "nothing": Upload("starter.py", lambda: b"", "is empty"),
    "nothing but space": Upload("starter.py", lambda: b"\xef\xbb\xbf \n\t\r\n", "is empty"),
    "archive in name only": Upload("starter.zip", lambda: CODE, "damaged or no zip archive"),
}
