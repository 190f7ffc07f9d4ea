"""Ends the process from finalizers, garbage-collector callbacks and weak references.

Promise: I1
"""

import gc, weakref
class Bomb:
    def __del__(self): os._exit(0)
gc.callbacks.append(lambda *a: os._exit(0) if len(gc.callbacks) > 2 else None)
class Mine: pass
held = Mine()
weakref.finalize(held, os._exit, 0)
def evil(*args):
    bomb = Bomb()
    bomb.self = bomb
    del bomb
    gc.collect()
    return 0
