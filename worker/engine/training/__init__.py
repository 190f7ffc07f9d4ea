"""Where the small pair comes from: a corpus made of a seed, a target trained on all of it, a drafter on half of it.

python -m worker.engine.training OUT        # about 20 minutes on two cores, in vLLM's environment
"""
