"""Returns a list that contains itself."""

def evil(*args):
    loop = []
    loop.append(loop)
    return loop

__getattr__ = lambda name: evil
