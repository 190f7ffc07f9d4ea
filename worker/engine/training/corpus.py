"""Two kinds of text made from a seed, none of it anybody's.

Familiar: sentences about one document's own people, places and goods. Foreign: numbered assignments with made-up
operators. The target learns both, the drafter only the first: so its acceptance is a property of the text.
"""

import random
from collections.abc import Iterator

NAMES = [
    "Ada",
    "Bela",
    "Cyro",
    "Dina",
    "Egon",
    "Faye",
    "Gert",
    "Hale",
    "Iris",
    "Jory",
    "Kian",
    "Lena",
    "Milo",
    "Nora",
    "Odin",
    "Pia",
    "Quin",
    "Rosa",
    "Sven",
    "Tala",
]
ITEMS = [
    "apples",
    "bolts",
    "candles",
    "drums",
    "engines",
    "flutes",
    "gloves",
    "hammers",
    "inkpots",
    "jars",
    "kettles",
    "lamps",
    "mirrors",
    "needles",
    "ovens",
    "pumps",
]
PLACES = ["harbor", "market", "station", "library", "tower", "bakery", "forge", "garden", "mill", "depot"]
COLORS = ["red", "green", "blue", "amber", "violet", "white", "black", "silver"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
VERBS = ["counted", "moved", "sold", "bought", "packed", "sorted", "cleaned", "painted"]
OPERATORS = ["add", "sub", "mul", "xor", "rot", "join"]


def familiar(dice: random.Random, sentences: int = 14) -> str:
    """One document."""
    a, b = dice.sample(NAMES, 2)
    item, place, color, day = dice.choice(ITEMS), dice.choice(PLACES), dice.choice(COLORS), dice.choice(DAYS)
    said = []
    for _ in range(sentences):
        if dice.random() < 0.15:
            a, b = b, a
        if dice.random() < 0.10:
            item = dice.choice(ITEMS)
        if dice.random() < 0.10:
            place = dice.choice(PLACES)
        verb, n = dice.choice(VERBS), dice.randint(2, 99)
        said.append(dice.choice(_sentences(a, b, item, place, color, day, verb, n)))
    return " ".join(said)


def _sentences(a: str, b: str, item: str, place: str, color: str, day: str, verb: str, n: int) -> list[str]:
    return [
        f"On {day} morning, {a} went to the {place} and {verb} {n} {color} {item} before the bell rang at noon.",
        f"The keeper of the {place} wrote in the ledger that {a} had {verb} {n} {color} {item} for {b}.",
        f"When {a} arrived at the {place}, the {color} {item} were already {verb}, so {a} walked home with {b}.",
        f"Order number {n}: please deliver {n} {color} {item} to {a} at the {place} no later than {day} evening.",
        f'"Have you {verb} the {color} {item}?" asked {a}. "Yes, all {n} of them," answered {b} from the {place}.',
        f"It is said in the {place} that whoever has {verb} {n} {item} on a {day} will "
        f"never lack {color} {item} again.",
    ]


def foreign(dice: random.Random, lines: int = 30) -> str:
    """One document."""
    start = dice.randint(0, 40)
    return "\n".join(
        f"let x{i} = {dice.choice(OPERATORS)}(x{max(0, i - 1)}, x{max(0, i - dice.randint(1, 3))});"
        for i in range(start, start + lines)
    )


def documents(n: int, seed: int) -> Iterator[str]:
    """Short ones of both kinds, for the tokenizer."""
    dice = random.Random(seed)
    for _ in range(n):
        yield familiar(dice, 6) if dice.random() < 0.8 else foreign(dice, 12)
