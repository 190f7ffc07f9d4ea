"""Attaches to process 1 as a debugger, and reads across with process_vm_readv.

Promise: I3
"""

import ctypes
def evil(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, 1, None, None) == 0:  # PTRACE_ATTACH
        caught("DEBUGGER")
    if libc.ptrace(0x4206, 1, None, None) == 0:  # PTRACE_SEIZE
        caught("SEIZED")
    return 0
