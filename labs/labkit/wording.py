"""Numbers as people say them, in the one text that failures are told in."""

_LARGE = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
#: Evidence is reported up to this power of ten: more is certainty, an answer that cannot happen at all.
CERTAIN = 300.0


def large(value: float) -> str:
    """A positive number with the digits that matter: `3 billion`, `1,200`, `10^18`."""
    if value >= 1e15:
        return f"10^{len(str(int(value))) - 1}"
    for size, word in _LARGE:
        if value >= 0.9995 * size:
            return f"{_short(value / size)} {word}"
    return _short(value)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.2g}"


def shares(one: float, other: float) -> tuple[str, str]:
    """Two shares, each 0 … 1, as so many of a hundred, or of a thousand or more where they would look the same."""
    for of in (100, 1_000, 10_000):
        texts = f"{one * of:,.0f} of {of:,}", f"{other * of:,.0f} of {of:,}"
        if texts[0] != texts[1]:
            break
    return texts


def runs(rate: float) -> str:
    """How rare something of probability `rate` is; the rate is above 0."""
    return f"at most 1 of {large(1 / rate)} runs"
