"""A model that judges whether a sentence follows from its source; strict reading, the last verdict counts.

An answer without a verdict is unscored: counted and reported, never taken for a no.
"""

import re
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from kb.errors import ModelError
from kb.llm import Limits, Message, ModelConfig, ServedModel

Verdict = Literal["supported", "unsupported"]
PROMPT = """\
You check sentences of a troubleshooting answer against the source they rest on.
The sentence is supported when everything in it follows from the source: names, values, versions, and what is to be \
switched on or off. It is unsupported when anything is added, reversed or stronger than the source.

SOURCE
{source}

SENTENCE
{sentence}

Give your reasons in one or two sentences. Then end with a line of exactly one of:
VERDICT: supported
VERDICT: unsupported"""
_VERDICT = re.compile(
    r"^[ \t*_`>#-]*VERDICT\**[ \t]*[:：][ \t*_`]*(supported|unsupported)\b[ \t*_`.]*$", re.MULTILINE | re.I
)


class Judge(Protocol):
    """Says whether a sentence follows from a source; None where no verdict can be read."""

    def __call__(self, sentence: str, source: str) -> Verdict | None: ...


def read_verdict(answer: str) -> Verdict | None:
    """The last verdict of an answer that stands on a line of its own."""
    found = _VERDICT.findall(answer)
    return None if not found else "supported" if found[-1].lower() == "supported" else "unsupported"


def model_judge(complete: Callable[[str], str]) -> Judge:
    """A judge over any function from prompt to text."""

    def judge(sentence: str, source: str) -> Verdict | None:
        return read_verdict(complete(PROMPT.format(source=source, sentence=sentence)))

    return judge


def judge_from(environment: Mapping[str, str]) -> Judge | None:
    """The judge at the URL CASEBOOK_JUDGE, with CASEBOOK_JUDGE_MODEL and CASEBOOK_JUDGE_API_KEY; or None."""
    url = environment.get("CASEBOOK_JUDGE")
    if not url:
        return None
    config = ModelConfig(
        url,
        environment.get("CASEBOOK_JUDGE_MODEL"),
        environment.get("CASEBOOK_JUDGE_API_KEY"),
        limits=Limits(tokens=400),
    )
    model = ServedModel(config)

    def complete(prompt: str) -> str:
        try:
            return "".join(model.stream([Message("user", prompt)]))
        except ModelError:
            return ""  # no verdict: unscored

    return model_judge(complete)
