"""A half-right answer: the drafter takes the most recent copy, the loop overshoots, the metric is not written."""


def propose(context: list[int], k: int, max_n: int, min_n: int = 1) -> list[int]:
    if k < 0 or min_n < 1 or max_n < min_n:
        raise ValueError("need k >= 0 and 1 <= min_n <= max_n")
    for n in range(min(max_n, len(context) - 1), min_n - 1, -1):
        for start in range(len(context) - n - 1, -1, -1):
            if context[start : start + n] == context[-n:]:
                return context[start + n : start + n + k]
    return []


def verify(draft: list[int], greedy: list[int]) -> list[int]:
    out = []
    for guess, token in zip(draft, greedy, strict=False):
        out.append(token)
        if guess != token:
            return out
    return [*out, greedy[-1]]


def generate(target, prompt, max_new_tokens, k, max_n, min_n=1, eos=None):
    tokens, runs = [], []
    while len(tokens) < max_new_tokens:
        context = prompt + tokens
        draft = propose(context, k, max_n, min_n)
        block = verify(draft, target(context, draft))
        tokens += block
        runs.append(len(block))
        if eos is not None and block[-1] == eos:
            break
    return tokens, runs


def tokens_per_run(runs: list[int]) -> float:
    raise NotImplementedError("lab-01 stage 4: tokens_per_run - README section 4")
