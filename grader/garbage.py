"""When a process that answers requests looks for memory that nobody uses."""

import gc


def seldom_look_for_garbage() -> None:
    """For a process that answers requests: a look through all it holds would stop them for 0.1 s, every few seconds.

    What is there by now stays and is not looked at again; of the rest, little is ever made that only a look can free.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 20, 100)
