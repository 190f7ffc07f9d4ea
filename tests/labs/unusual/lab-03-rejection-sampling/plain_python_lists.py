"""No numpy at all: lists, loops and a running sum that stops early."""


def accept_prob(p, q, x):
    p, q = list(map(float, p)), list(map(float, q))
    if q[x] == 0:
        return 1 if p[x] > 0 else 0
    return 1 if p[x] >= q[x] else p[x] / q[x]


def acceptance_rate(p, q):
    return sum(min(float(a), float(b)) for a, b in zip(p, q))


def residual(p, q):
    owed = [max(float(a) - float(b), 0.0) for a, b in zip(p, q)]
    mass = sum(owed)
    if mass == 0:
        return [float(a) for a in p]
    return tuple(o / mass for o in owed)


def output_distribution(p, q):
    refused = 1.0 - acceptance_rate(p, q)
    return [min(float(a), float(b)) + refused * r for a, b, r in zip(p, q, residual(p, q))]


def pick(law, u):
    last = 0
    for token, weight in enumerate(law):
        if weight > 0:
            last = token
            if u < weight:
                return token
            u -= weight
    return last


def speculative_step(p, q, x, rng):
    if float(rng.random()) < accept_prob(p, q, x):
        return [x, True]
    return [pick(residual(p, q), float(rng.random())), False]


def verify(P, Q, draft, rng):
    out = []
    j = 0
    while j < len(draft):
        token, kept = speculative_step(P[j], Q[j], draft[j], rng)
        out.append(token)
        if not kept:
            return tuple(out)
        j += 1
    out.append(pick(P[len(draft)], float(rng.random())))
    return tuple(out)
