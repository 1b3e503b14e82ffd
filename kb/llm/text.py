"""Text on its way to and from a model: special tokens made harmless, thinking kept out, tokens estimated."""

import re
from collections.abc import Sequence

from kb.llm.types import Message

# Servers read these as control tokens wherever they stand in a message, so a paste could end its own message. They are
# written with look-alikes on the way in, and back on the way out.
_SPECIAL = re.compile(r"<\||\|>|</?(?=(?:think|thinking|tool_call|tool_response|s|bos|eos|unk|pad)>)|\[(?=/?INST\])")
_IN = {"<|": "‹¦", "|>": "¦›", "<": "‹", "</": "‹/", "[": "⟦"}
_OUT = str.maketrans({"‹": "<", "›": ">", "¦": "|", "⟦": "["})

_OPEN, _CLOSE = re.compile(r"(?:^|\n)[ \t]*<think(?:ing)?>"), re.compile(r"</think(?:ing)?>")
_TAG_LENGTH = len("</thinking>")

_TOKENS = re.compile(r"[A-Za-z]+|[ \t]+|\s|[!-~]|[\u3400-\u9fff\u3000-\u303f\uff00-\uffef]|.", re.DOTALL)
LETTERS_A_TOKEN, MESSAGE_TOKENS = 4, 8


def disarm(text: str) -> str:
    """The text with the control tokens of chat templates written so that no server takes them for such."""
    return _SPECIAL.sub(lambda found: _IN[found[0]], text)


def rearm(text: str) -> str:
    """The look-alikes of `disarm` as what they stand for."""
    return text.translate(_OUT)


def estimate_tokens(text: str) -> int:
    """How many tokens a text has, rather too many than too few.

    Qwen splits numbers into single digits; words of four letters and less, single signs and single Chinese characters
    are taken for a token each, and other characters for one per byte of UTF-8.
    """
    return sum(_weight(match[0]) for match in _TOKENS.finditer(text))


def _weight(found: str) -> int:
    if found.isascii():
        return -(-len(found) // LETTERS_A_TOKEN) if found.isalpha() else 1
    return (
        1 if len(found.encode("utf-8", "replace")) <= 3 and found > "\u2e7f" else len(found.encode("utf-8", "replace"))
    )


def estimate_messages(messages: Sequence[Message]) -> int:
    """Tokens of a whole conversation, with what the chat template adds."""
    return sum(estimate_tokens(message.content) + MESSAGE_TOKENS for message in messages)


class WithoutThinking:
    """Takes <think> … </think> out of a stream, tags split over chunks and never closed ones included.

    A tag opens only at the start of a line: inside a JSON string, where none can begin, it is text like any other.
    """

    def __init__(self) -> None:
        self._held, self._inside, self._at_start = "", False, True

    def feed(self, chunk: str) -> str:
        """What may be passed on now."""
        self._held += chunk
        shown = ""
        while True:
            if self._inside:
                closing = _CLOSE.search(self._held)
                if not closing:
                    self._held = self._held[-_TAG_LENGTH:]
                    return shown
                self._held, self._inside, self._at_start = self._held[closing.end() :], False, True
            found = _OPEN.search(self._held)
            if found and (found.start() > 0 or self._at_start or found[0].startswith("\n")):
                shown, self._held, self._inside = shown + self._held[: found.start()], self._held[found.end() :], True
                continue
            return shown + self._pass_on(self._undecided())

    def end(self) -> str:
        """What was held back, at the end of the stream."""
        return "" if self._inside else self._pass_on(len(self._held))

    def _undecided(self) -> int:
        """Where text begins that may still turn out to be an opening tag."""
        line = self._held.rfind("\n")
        start = line if line >= 0 else 0
        possible = (line >= 0 or self._at_start) and _may_open(self._held[start:].lstrip("\n").lstrip(" \t"))
        return start if possible else len(self._held)

    def _pass_on(self, upto: int) -> str:
        shown, self._held = self._held[:upto], self._held[upto:]
        self._at_start = self._at_start and not shown.strip()
        return shown


def _may_open(text: str) -> bool:
    return any(tag.startswith(text) for tag in ("<think>", "<thinking>"))
