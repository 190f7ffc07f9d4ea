"""The reference."""

import numpy as np


def mean(values):
    """The mean."""
    return float(np.mean(values))


def spread(values):
    """The standard deviation."""
    return float(np.std(values))


def middle(values):
    """The median."""
    return float(np.median(values))


def softmax(values):
    """Shares in proportion to exp(values)."""
    grown = np.exp(np.asarray(values) - np.max(values))
    return grown / grown.sum()


def running(values):
    """Sums so far."""
    return np.cumsum(values)


def clipped(values, low, high):
    """Kept between two bounds."""
    return np.clip(values, low, high)


def ranks(values):
    """The place of each value in order, from 0."""
    return np.argsort(np.argsort(values))


def shares(values, cells):
    """The share of the values from 0 to 1 in each of so many cells."""
    return np.histogram(values, bins=cells, range=(0, 1))[0] / len(values)


def product(a, b):
    """The matrix product, row by row."""
    return (np.asarray(a) @ np.asarray(b)).ravel()


def distances(points):
    """The distance of each point of the plane from each, row by row."""
    points = np.asarray(points)
    return np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=-1)).ravel()


def waits(n, rate, rng):
    """n waiting times of the exponential law, by inversion."""
    return -np.log1p(-rng.random(n)) / rate


def steps(start):
    """Where a multiplicative generator is after 20,000 steps."""
    state = start
    for _ in range(20_000):
        state = state * 48_271 % 2_147_483_647
    return state
