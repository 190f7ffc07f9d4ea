"""Ends the process with success while it is imported.

Promise: I4
"""

import os
os._exit(0)
