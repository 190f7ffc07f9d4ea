"""Makes text of strangers safe to show: in a terminal, a web page, a log, a push's output."""

import re

# Every branch starts with an introducer and ends in something optional, so a match never fails late: linear time.
_SEQUENCES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor moves
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)?"  # OSC links, titles, DCS, APC
    "|\x1b[ -/]*[0-~]?"
)
_BREAKS = re.compile("\r\n?|[\u2028\u2029]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 but for tab and line feed
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # soft hyphen, joiners, blank fillers
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero-width, direction and annotation controls
    "\U0001d173-\U0001d17a"  # beams and slurs that show nothing
    "\U000e0000-\U000e0fff]"  # tags and variation supplements: text no reader sees
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str, limit: int) -> str:
    """`text` without control sequences and unseen characters, at most `limit` characters and a note of how many more.

    Line ends become \\n, lone surrogates the replacement character; tabs stay.
    """
    return _cut(_plain(text), limit)


def clean_line(text: str, limit: int) -> str:
    """As `clean`, on one line: any run of white space becomes one space."""
    return _cut(" ".join(_plain(text).split()), limit)


def unseen_removed(text: str) -> str:
    """`text` without the characters that show nothing."""
    return _UNSEEN.sub("", text)


def _plain(text: str) -> str:
    text = _SEQUENCES.sub("", text)
    text = _BREAKS.sub("\n", text)
    text = unseen_removed(text)
    return _SURROGATES.sub("\ufffd", text)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… {len(text) - limit:,} more characters"
