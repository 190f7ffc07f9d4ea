"""A right answer."""


def total(numbers):
    """The sum."""
    return float(sum(numbers))


def scaled(values, factor):
    """Each value times the factor."""
    return values * factor


def picked(n, rng):
    """A fair coin."""
    return rng.integers(0, 2, size=n)


def asked(oracle, question):
    """What the oracle says."""
    return oracle(question)


def described(number):
    """In words."""
    return f"about {number:.3f}"
