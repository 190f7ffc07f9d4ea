"""Returns an integer of a hundred million bits."""

def evil(*args):
    return 1 << 100_000_000

__getattr__ = lambda name: evil
