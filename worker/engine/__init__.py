"""The engine of a gpu worker: real vLLM, measured on the judge's side. A submission never comes near it.

`running` is the engine's own process, in vLLM's environment; `process` holds one from the worker's side; `measuring`
plays two of them against each other; `captures` says what must be true of what came out; `training` made the small
pair.
"""
