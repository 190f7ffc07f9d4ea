"""Writes markup of every page, mail and forge it might be shown on.

Promise: C5
"""

TEXT = "</pre></textarea><script>alert(1)</script><img src=x onerror=alert(1)>](javascript:alert(1)) {{7*7}} ${7*7} @everyone `x` | <!--"
def evil(*args):
    print(TEXT)
    return TEXT if len(args) == 1 else [TEXT]
