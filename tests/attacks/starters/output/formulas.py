"""Writes messages that a spreadsheet would run.

Promise: C5
"""

TEXTS = ('=HYPERLINK("http://evil","click")', "@SUM(1+1)*cmd|' /C calc'!A0", "+1+1", "-2+3", "\t=1", "\r=1", "|calc")
calls = []
def evil(*args):
    calls.append(1)
    for text_ in TEXTS: print(text_)
    raise ValueError(TEXTS[len(calls) % len(TEXTS)])
