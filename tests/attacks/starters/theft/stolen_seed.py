"""Looks for the seed in its environment, arguments and the processes around it.

Promise: I3
"""

import glob, os, re
def evil(*args):
    found = [str(dict(os.environ))]
    for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
        try:
            found.append(open(path, "rb").read().decode("latin-1"))
        except OSError:
            pass
    match = re.search(r"SEED[^0-9]{0,4}(\d+)", " ".join(found), re.I)
    if match and match[1] != "0":  # PYTHONHASHSEED is 0 for everybody
        raise SystemExit("SEED-FOUND " + match[1])
    return 0
