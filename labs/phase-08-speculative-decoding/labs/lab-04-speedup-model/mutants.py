from labkit.mutants import mutant

@mutant("no-bonus", "expected_tokens", says="the bonus token is missing", fix="sum to k, not k-1", caught_by="test_expected_tokens_by_hand")
def expected_tokens_no_bonus(alpha, k):
    if not 0 <= alpha <= 1 or k < 0:
        raise ValueError("alpha")
    return float(sum(alpha**j for j in range(k)))

@mutant("counts-accepted", "simulate", says="you count accepted drafts, not emitted tokens", caught_by="test_simulation_law")
def simulate_counts_accepted(alpha, k, cycles, rng):
    return np.cumprod(rng.random((cycles, k)) < alpha, axis=1).sum(axis=1)

@mutant("no-stop", "simulate", says="you go on counting after the first rejection", caught_by="test_simulation_law")
def simulate_no_stop(alpha, k, cycles, rng):
    return 1 + (rng.random((cycles, k)) < alpha).sum(axis=1)
