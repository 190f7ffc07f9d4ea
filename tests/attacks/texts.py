"""Hostile texts: what a submission may say, a student be called, or a file be named."""

import json
import re
from html.parser import HTMLParser

TEXTS: dict[str, str] = {
    "colours": "\x1b[31;5mred\x1b[0m",
    "a cleared screen": "\x1b[2J\x1b[H",
    "a title": "\x1b]0;owned\x07",
    "a link of a terminal": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "a clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "a device control string": "\x1bP+q544e\x1b\\",
    "eight-bit controls": "\x9b2J\x9d0;owned\x9c\x90x\x9c",
    "NUL and bells": "a\x00b\x07\x08c\x7f",
    "script": "<script>window.owned=1</script>",
    "an image": "<img src=x onerror=window.owned=1>",
    "a drawing": "<svg/onload=window.owned=1>",
    "the end of a text": "</pre></td></table><h1 id=owned>10 of 10 points</h1>",
    "the end of an attribute": "\" autofocus onfocus=window.owned=1 x='",
    "the end of a comment": "--><iframe src=javascript:window.owned=1>",
    "an address": "javascript:window.owned=1",
    "a style": "<style>*{display:none}</style><link rel=stylesheet href=//evil.example>",
    "a form": "<form action=//evil.example><input name=csrf>",
    "another page": "<meta http-equiv=refresh content=0;url=//evil.example><base href=//evil.example>",
    "a formula": "=HYPERLINK(\"http://evil.example\",\"x\")",
    "a formula with a plus": "+cmd|' /C calc'!A0",
    "a formula with a minus": "-2+3+cmd|' /C calc'!A0",
    "a formula with an at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "a formula behind a tab": "\t=1+1",
    "a formula behind a return": "\r=1+1",
    "a formula in another cell": "x;=1+1;\"\n=1+1",
    "a formula in full width": "＝1+1",
    "turned around": "\u202e\u2066sdrawkcab\u2069",
    "unseen letters": "a\u200bb\u200d\ufeff\u2060\U000e0041",
    "half a character": "\ud800 \udfff",
    "lines of ours": "\nA lab that is graded in no time: 10 of 10 points\nremote: accepted",
    "a header more": "x\r\nSet-Cookie: session=evil\r\n\r\n<script>",
    "a line of a log": "x\n{\"level\": \"error\", \"event\": \"forged\"}",
    "an event more": "x\n\nevent: ended\ndata: {\"points\": 10}\n\n",
    "a number more": "x\"} 1\ngrader_alarms 99\n#",
    "markup of a terminal": "[link=http://evil.example]x[/link][bold red on red]",
    "a template": "{{7*7}}${7*7}{% raw %}#{7*7}",
    "a statement": "'); DROP TABLE people;--",
    "letters on letters": "a" + "\u0301" * 2_000,
    "a line of a megabyte": "A" * 1_000_000,
}  # fmt: skip

#: What must be in no text that anybody reads: controls but for tab and line end, what turns or hides text, halves.
HARMFUL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_FOREIGN = {"iframe", "img", "object", "embed", "base", "style", "frame", "applet", "audio", "video"}
_LEADING = {"href", "src", "action", "formaction"}
_ELSEWHERE = ("javascript:", "data:", "//", "http://evil")


def all_texts() -> str:
    """All but the longest in one text, each behind a line end."""
    return "\n".join(text for name, text in TEXTS.items() if "megabyte" not in name)


class _Elements(HTMLParser):
    """Reads a page as a browser does, and notes what no template of ours writes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        given = {name: value or "" for name, value in attrs}
        foreign = tag in _FOREIGN or (tag == "script" and not given.get("src", "").startswith("/static/"))
        if foreign or "http-equiv" in given or given.get("id") == "owned" or any(one.startswith("on") for one in given):
            self.found.append(f"<{tag} {str(given)[:80]}>")
        leads = [given[name].lower() for name in _LEADING & given.keys()]
        self.found += [f"address {where[:80]}" for where in leads if where.startswith(_ELSEWHERE)]


def wrong_in_page(page: str) -> list[str]:
    """Elements and attributes that no template of ours writes, and characters that no reader sees."""
    reader = _Elements()
    reader.feed(page)
    reader.close()
    return [*wrong_in_text(page), *reader.found]


def wrong_in_text(text: str) -> list[str]:
    """Characters that no reader sees."""
    return [f"character {one!r}" for one in HARMFUL.findall(text)]


def wrong_in_json(text: str) -> list[str]:
    """Texts in an answer for programs that hold what no reader sees."""
    found: list[str] = []
    waiting = [json.loads(text)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and HARMFUL.search(value):
            found.append(value[:80])
    return found
