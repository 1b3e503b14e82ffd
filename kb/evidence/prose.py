"""Which lines of a paste a person wrote."""

import re
from collections.abc import Iterable, Iterator, Sequence

from kb.evidence.language import function_words, han
from kb.evidence.model import Line

_FENCE = re.compile(r"\s*(?:```|~~~)")
_CODE = re.compile(
    r"^\s*(?:[$#>%]\s|>>>|(?:FROM|RUN|ENV|COPY|ARG|CMD|WORKDIR|ENTRYPOINT) \S|[\w.-]+ @ \S+:|"
    r"import \w|from \S+ import|def \w+\(|class \w+[(:]|return\b|for \w+ in |if .*:$|pip3? \w+ |"
    r"python3? (?:-|\S+\.py)|torchrun (?:-|\S+\.py)|CUDA_\w+=|export \w+=|docker (?:run|exec|compose|pull|build|logs)|"
    r"sudo |deepspeed (?:-|\S+\.py)|accelerate (?:launch|config|env)|vllm (?:serve|bench|chat)\b|swift \w+ --|"
    r"--\w|- \w+: |\w[\w.]*: ?\S*$|[\w.]+\s*=\s*\S|[{}\[\]<|]|/\w|\w+\(.*\)\s*$|File \"|@|[+^~|*=_-]{3,}|\w+==[\d.])"
)
# What programs print as sentences: openings, and marks that people do not write.
_LOGGY = re.compile(
    r"^[\w.-]+\s{2,}v?\d|^[\d.]+, |\S {3,}\S.{0,200}?\S {2,}\S|^\s*(?:[╭╰]|And because |Because \S+==)|^\w+_\w+,|"
    r"^built with \w+ \(|"
    r"\bat 0x[0-9a-f]+|\.py:\d+|\w+=\S+ \w+=\S+|site-packages|^\s*\[|\.{3,}\s*$|Warning: |\d+%\||^\S+\.\S+\.\S+:|"
    r"^[a-z][\w.-]*: |^\w*_\w+: |^\*{3}|^`\w|^(?:Some weights|You should probably|Loading|Setting|Using|Special tokens|"
    r"Running|Processing|Set (?:the env\w+|TORCH\w+)|-- \w+|Starting|Collecting|Requirement|In file included|"
    r"During handling|The above exception|"
    r"compilation|building|CUDA SETUP|Building|Installing|Downloading|WARNING|ERROR|INFO|NOTE|Num|Total|Found|Saving|"
    r"Successfully|Generating)\b"
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_FIRST_PERSON = re.compile(
    r"\b(?:I|I'm|I've|[Mm]y|[Ww]e|[Oo]ur|me|[Aa]nyone|[Hh]ow (?:do|does|can|to|should)|[Ww]hy (?:is|does|do|are)|"
    r"[Aa]ny (?:idea|help)|[Tt]hanks)\b|\?(?:\s|\?|$)"
)
_STATES = re.compile(  # a verb where a log has a colon
    r"\w (?:is|are|was|stays?|remains?|keeps?|becomes?|became) |\w\s*(?:一直)?(?:是|为|变成)\s*\w", re.ASCII
)
_PERSON = re.compile(r"\b(?:i|i'm|i've|my|me|we|our|please|help|anyone|why|how)\b|\?", re.IGNORECASE)


def is_prose(line: Line, few_lines: bool) -> bool:
    """Whether a person wrote the line for another person. `few_lines`: the input is short, such as a chat message."""
    text = line.text
    if line.level or line.machine or line.rank is not None or not text.strip():
        return False
    if han(text) >= 2:
        return not _CODE.match(text) or han(text) >= 4
    words, small = len(_WORD.findall(text)), function_words(text)
    if not (small >= 3 and _FIRST_PERSON.search(text)) and (_CODE.match(text) or _LOGGY.search(text)):
        return False
    if small >= 2 and words >= 4:
        return True
    return few_lines and (words >= 2 or (words >= 1 and han(text) >= 1))


def is_sentence(text: str) -> bool:
    """Whether a text has as many small words as sentences have, or a verb where a log has a colon: "loss is 0"."""
    return (function_words(text) >= 3 or _STATES.search(text) is not None) and not _LOGGY.search(text)


def speaks(text: str) -> bool:
    """Whether a line that quotes a failure is nevertheless a person's sentence."""
    return han(text) >= 2 or (_PERSON.search(text) is not None and function_words(text) >= 2)


def addresses(text: str) -> bool:
    """Whether a line is surely written by one person to others."""
    return han(text) >= 2 or _FIRST_PERSON.search(text) is not None


def prose_lines(lines: Sequence[Line], machine: Iterable[int]) -> list[Line]:
    """The prose among `lines`; `machine` holds the positions that are known to be a program's output.

    English without Chinese beside it also looks like a program's messages. So in a longer text it counts only in a
    block of lines that speaks to somebody, or that opens or closes the text.
    """
    filled = [i for i, line in enumerate(lines) if line.text.strip()]
    known, few = set(machine), len(filled) <= 4
    ends = {filled[0], filled[-1]} if filled else set()
    out: list[Line] = []
    for block in _blocks(lines, known, few and not known):
        speaks_up = few or any(i in ends or _FIRST_PERSON.search(lines[i].text) for i in block)
        out.extend(lines[i] for i in block if speaks_up or han(lines[i].text) >= 2)
    return out


def _blocks(lines: Sequence[Line], known: set[int], few: bool) -> Iterator[list[int]]:
    """Runs of neighbouring lines that may be prose, outside code fences."""
    fenced = False
    block: list[int] = []
    for position, line in enumerate(lines):
        fence = _FENCE.match(line.text) is not None
        fenced = fenced != fence
        if fence or fenced or position in known or not is_prose(line, few):
            if block:
                yield block
            block = []
        else:
            block.append(position)
    if block:
        yield block
