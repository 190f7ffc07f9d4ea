"""Your work."""


def total(numbers):
    """The sum."""
    raise NotImplementedError("target-2: total")
