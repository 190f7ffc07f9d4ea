"""Right until the spec calls it inside a generator, where StopIteration becomes a RuntimeError.

Promise: I4
Right: yes
Earns: 8
"""

def total(numbers):
    if len(numbers) == 1:
        raise StopIteration
    return float(sum(numbers))
