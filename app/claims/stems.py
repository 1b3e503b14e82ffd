"""English word forms → one stem, for comparing words, not for reading."""

from collections.abc import Mapping
from functools import lru_cache

_FORMS = """
be: is are was were been being am
run: ran
choose: chose chosen
build: built
give: gave given
take: took taken
write: wrote written
break: broke broken
fall: fell fallen
keep: kept
lose: lost
make: made
send: sent
find: found
come: came
go: went gone
grow: grew grown
hold: held
leave: left
mean: meant
rise: rose risen
see: saw seen
show: shown
spend: spent
tell: told
begin: began begun
get: got
stick: stuck
freeze: froze frozen
throw: threw thrown
hang: hung
bind: bound
die: died dying dies
lie: lay lying lies
do: does did done
have: has had having
index: indices
bias: biases
process: processes
feed: fed
shrink: shrank shrunk
think: thought
use: using
know: knew known
pay: paid
say: said
seek: sought
catch: caught
"""
_IRREGULAR: Mapping[str, str] = {
    form: base for base, _, forms in (row.partition(": ") for row in _FORMS.split("\n")) for form in forms.split()
}
_VOWELS = frozenset("aeiouy")
_SUFFIXES = tuple(
    "ization isation ibility ability ations ation ments ment nesses ness ities ity ance ence ible able ions ion "
    "ively ive ally ly al ize ise".split()
)


@lru_cache(1 << 14)
def stem(word: str) -> str:
    """The stem of a lower-case English word: inflection and common endings taken off (after Porter, 1980, lighter)."""
    word = word.removesuffix("'s")
    word = _IRREGULAR.get(word, word)
    if len(word) <= 3 or not word.isascii():
        return word
    word = _derived(_inflected(word))
    return word[:-1] if len(word) > 4 and word.endswith(("e", "i")) else word


def _inflected(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 3 and _VOWELS & set(rest):
            double = rest[-1] == rest[-2] and rest[-1] not in "lsz"
            return rest[:-1] if double else (rest[:-1] + "y" if rest.endswith("i") else rest)
    return word


def _derived(word: str) -> str:
    for ending in _SUFFIXES:
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 4:
            return rest
    return word[:-1] + "i" if word.endswith("y") and len(word) > 4 else word
