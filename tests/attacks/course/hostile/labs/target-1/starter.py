"""Your work."""


def total(numbers):
    """The sum."""
    raise NotImplementedError("target-1: total")


def scaled(values, factor):
    """Each value times the factor."""
    raise NotImplementedError("target-1: scaled")


def picked(n, rng):
    """n coins, 0 or 1."""
    raise NotImplementedError("target-1: picked")


def asked(oracle, question):
    """What the oracle says to the question, asked once."""
    raise NotImplementedError("target-1: asked")


def described(number):
    """In words."""
    raise NotImplementedError("target-1: described")
