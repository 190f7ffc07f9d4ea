"""A right answer."""


def total(numbers):
    """The sum."""
    return float(sum(numbers))
