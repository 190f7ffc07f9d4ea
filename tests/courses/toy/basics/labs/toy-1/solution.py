"""The reference."""


def double(x):
    """Twice `x`."""
    return 2.0 * x


def total(items):
    """The sum of `items`."""
    return float(sum(items))
