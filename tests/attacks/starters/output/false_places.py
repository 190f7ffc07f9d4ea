"""Makes its errors come from files with names that are commands of a terminal.

Promise: C5
"""

CODE = "def fall():\n raise ValueError('x')\n"
def evil(*args):
    space = {}
    exec(compile(CODE, "\x1b[2J/course/test_lab.py\r\n\u202e::test_total PASSED", "exec"), space)
    space["fall"]()
