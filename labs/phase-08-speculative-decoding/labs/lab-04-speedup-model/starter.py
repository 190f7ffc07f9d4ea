def expected_tokens(alpha, k):
    raise NotImplementedError("lab-04 stage 1: expected_tokens - README section 1")
