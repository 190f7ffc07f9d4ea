"""Twelve functions of a few lines each."""


def mean(values):
    """The mean."""
    raise NotImplementedError("toy stage 1: mean")


def spread(values):
    """The standard deviation."""
    raise NotImplementedError("toy stage 1: spread")


def middle(values):
    """The median."""
    raise NotImplementedError("toy stage 1: middle")


def softmax(values):
    """Shares in proportion to exp(values)."""
    raise NotImplementedError("toy stage 1: softmax")


def running(values):
    """Sums so far."""
    raise NotImplementedError("toy stage 1: running")


def clipped(values, low, high):
    """Kept between two bounds."""
    raise NotImplementedError("toy stage 1: clipped")


def ranks(values):
    """The place of each value in order, from 0."""
    raise NotImplementedError("toy stage 1: ranks")


def shares(values, cells):
    """The share of the values from 0 to 1 in each of so many cells."""
    raise NotImplementedError("toy stage 1: shares")


def product(a, b):
    """The matrix product, row by row."""
    raise NotImplementedError("toy stage 1: product")


def distances(points):
    """The distance of each point of the plane from each, row by row."""
    raise NotImplementedError("toy stage 1: distances")


def waits(n, rate, rng):
    """n waiting times of the exponential law, by inversion."""
    raise NotImplementedError("toy stage 1: waits")


def steps(start):
    """Where a multiplicative generator is after 20,000 steps."""
    raise NotImplementedError("toy stage 1: steps")
