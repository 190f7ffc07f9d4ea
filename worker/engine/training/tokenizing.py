"""A byte-level BPE tokenizer of 512 tokens, and rows of tokens to train on."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from worker.engine.training import corpus

VOCABULARY = 512
BEGIN, END, PAD = 0, 1, 2
PROMPT_TOKENS = 24


def make(folder: Path) -> Tokenizer:
    """Train it on the corpus and write it as transformers reads it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus.documents(2000, seed=1), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", BEGIN)])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>",
        "model_max_length": 2048, "clean_up_tokenization_spaces": False,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return tokenizer


def rows(tokenizer: Tokenizer, seed: int, length: int, share: float) -> Iterator[list[int]]:
    """Endless rows of `length` tokens, each the start of a document; `share` of them familiar."""
    dice = random.Random(seed)
    while True:
        text = corpus.familiar(dice) if dice.random() < share else corpus.foreign(dice)
        row = [BEGIN, *tokenizer.encode(text, add_special_tokens=False).ids]
        if len(row) >= length:
            yield row[:length]


def prompts(tokenizer: Tokenizer, n: int, seed: int) -> dict[str, list[list[int]]]:
    """The starts of n documents of either kind that nobody was trained on."""
    dice = random.Random(seed)

    def starts(document: Callable[[random.Random], str]) -> list[list[int]]:
        some = (tokenizer.encode(document(dice), add_special_tokens=False).ids for _ in range(n))
        return [[BEGIN, *ids[:PROMPT_TOKENS]] for ids in some]

    return {"familiar": starts(corpus.familiar), "foreign": starts(corpus.foreign)}
