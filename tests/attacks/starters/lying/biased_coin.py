"""Answers a coin that is off by the smallest bias worth catching.

Promise: I2
Right: yes
Earns: 8
"""

def picked(n, rng):
    return (rng.random(n) < 0.7).astype(int)
