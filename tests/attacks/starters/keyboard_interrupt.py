"""Raises KeyboardInterrupt, which ends a pytest run."""

def evil(*args):
    raise KeyboardInterrupt

__getattr__ = lambda name: evil
