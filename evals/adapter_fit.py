"""`python -m evals adapter-fit`: learn what kb/adapter.npz changes of the default embedding model.

Two phrases of one incident (ways in which it is asked for, its title and symptom) shall lie nearer to each other than
to phrases of other incidents, its rivals among them: a softmax over the batch (van den Oord et al., 2018). No case of
evals/cases is read, so those stay a measure. Takes some fifteen minutes on two cores.
"""

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kb import adapter
from kb.embedding import PLAIN_MODEL, sentence_transformer
from kb.library import BUILT_IN, load_library
from kb.passages import MIN_WORDS
from kb.translate import to_english
from kb.types import Incident

RANK, SCALE = 8, 2.0  # of the changes; SCALE: how much B·A counts while it is learned
STEPS, WARM, BATCH, RATE = 450, 30, 64, 2e-3  # batches are of pairs
SHARPNESS = 20.0  # of the softmax over cosines, as sentence-transformers' losses have it
RIVALS = 0.7  # chance that a rival of an incident joins its batch
MAX_TOKENS = 64


class LowRank(nn.Module):  # type: ignore[misc]  # torch has no types here
    """A linear layer that stays as it is, with changes beside it that are learned."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear
        self.a = nn.Parameter(torch.randn(RANK, linear.in_features) / linear.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(linear.out_features, RANK))

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output with the changes."""
        return self.linear(x) + (x @ self.a.T) @ self.b.T * SCALE


def phrases(incident: Incident) -> list[str]:
    """What the model is shown of an incident: as at indexing, Chinese in its English terms."""
    texts = [*incident.asked.en, *(to_english(question) for question in incident.asked.zh)]
    if "en" in incident.text:
        texts.append(f"{incident.title.get('en')}\n{incident.text['en'].symptom}")
    texts.append(to_english(incident.title.get("zh")))
    return [text for text in texts if len(text.split()) >= MIN_WORDS]


def widen(model: Any) -> dict[str, LowRank]:
    """Put changes beside every linear layer of a model but the pooler's, whose output is not used; none else learns."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    layers = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear) and "pooler" not in n}
    widened = {name: LowRank(linear) for name, linear in layers.items()}
    for name, layer in widened.items():
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, layer)
    return widened


def batches(texts: Mapping[str, Sequence[str]], rivals: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Endless batches of incidents, half of them drawn with a rival."""
    ids = sorted(texts)
    while True:
        drawn = random.sample(ids, min(BATCH // 2, len(ids)))
        near = [random.choice(rivals[i]) for i in drawn if rivals[i] and random.random() < RIVALS]
        others = random.sample(ids, min(BATCH, len(ids)))
        yield [*dict.fromkeys([*drawn, *(i for i in near if i in texts), *others])][:BATCH]


def loss(model: Any, texts: Mapping[str, Sequence[str]], batch: Sequence[str]) -> Tensor:
    """How badly each phrase finds its own incident's other phrase in the batch, both ways."""
    pairs = [random.sample(texts[i], 2) for i in batch]
    tokens = model.tokenizer(
        [a for a, _ in pairs] + [b for _, b in pairs],
        padding=True,
        truncation=True,
        max_length=MAX_TOKENS,
        return_tensors="pt",
    )
    with torch.autocast("cpu", torch.bfloat16):
        vectors = model(dict(tokens))["sentence_embedding"].float()
    scores = vectors[: len(batch)] @ vectors[len(batch) :].T * SHARPNESS
    own = torch.arange(len(batch))
    return (nn.functional.cross_entropy(scores, own) + nn.functional.cross_entropy(scores.T, own)) / 2


def learn(model: Any, incidents: Sequence[Incident], steps: int = STEPS) -> adapter.Factors:
    """The changes of a SentenceTransformer that tell incidents apart; the model keeps them."""
    random.seed(0)
    torch.manual_seed(0)
    texts = {i.id: found for i in incidents if len(found := phrases(i)) > 1}
    rivals = {i.id: i.rivals for i in incidents}
    layers = widen(model)
    learned = [p for layer in layers.values() for p in (layer.a, layer.b)]
    optimizer = torch.optim.AdamW(learned, lr=RATE, weight_decay=0.01)
    pace = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / WARM) * max(0.05, 1 - step / steps)
    )
    model.train()
    for step, batch in enumerate(islice(batches(texts, rivals), steps), start=1):
        optimizer.zero_grad()
        lost = loss(model, texts, batch)
        lost.backward()
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        pace.step()
        if step % 25 == 0:
            print(f"step {step} of {steps}: loss {lost.item():.3f}", flush=True)
    return {n: (m.a.detach().numpy(), SCALE * m.b.detach().numpy()) for n, m in layers.items()}


def main(argv: Sequence[str] = ()) -> int:
    """Learn and write."""
    parser = argparse.ArgumentParser(prog="python -m evals adapter-fit", description=__doc__)
    parser.add_argument("--out", type=Path, default=adapter.FILE)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args(argv)
    incidents = [*load_library([BUILT_IN]).incidents.values()]
    adapter.save(learn(sentence_transformer(PLAIN_MODEL, "cpu"), incidents, arguments.steps), arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1024:.0f} KiB")
    return 0
