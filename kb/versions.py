"""Whether a version is affected by a problem: PEP 440 releases, build numbers, driver numbers.

Three schemes of kb.types.VersionFact:
  pep440  PyPI releases, compared as the standard says, except that `<4.37` includes 4.37.0.dev0: a development build
          lies before its release, and whether it has the fix depends on the day, which the number does not say.
  build   llama.cpp's counter: b4567 or 4567.
  driver  dotted numbers of any length: 535.104.05.
A range is comma-separated conditions (all must hold); `||` separates alternatives. The one seam to packaging.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

from packaging.specifiers import InvalidSpecifier, Specifier
from packaging.version import InvalidVersion, Version

from kb.types import VersionFact

Verdict = Literal["affected", "fixed", "not_affected", "unknown"]
Scheme = Literal["pep440", "build", "driver"]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_CONDITION = re.compile(r"\s*(===|==|!=|<=|>=|~=|<|>)\s*([^\s,|<>=!~]+)\s*")
_BUILD = re.compile(r"[bB]?(\d{1,7})")
_DRIVER = re.compile(r"\d+(?:\.\d+)*")
_LATE = 99_999  # stands for the last patch release of a minor one


class _Condition(NamedTuple):
    operator: str
    bound: str


def judge(fact: VersionFact, version: str) -> Verdict:
    """Say whether `version` of the fact's component is affected.

    "unknown" where the version cannot be read, or is too coarse to tell: "4.45" when 4.45.1 is affected and 4.45.2 is
    not, a development build of the release with the fix. `fixed_in` alone means that all earlier ones are affected.
    Never raises; a fact that `valid_range` or `valid_version` refuses is "unknown" for every version.
    """
    try:
        alternatives = _parsed(fact.scheme, fact.affected) if fact.affected else ()
    except ValueError:
        return "unknown"
    if fact.fixed_in is not None and not valid_version(fact.scheme, fact.fixed_in):
        return "unknown"
    bounds = [c.bound for conditions in alternatives for c in conditions] + ([fact.fixed_in] if fact.fixed_in else [])
    verdicts = {_judge_exact(fact, alternatives, exact) for exact in _readings(fact.scheme, version.strip(), bounds)}
    return verdicts.pop() if len(verdicts) == 1 else "unknown"


def valid_range(scheme: str, text: str) -> bool:
    """Whether `text` is a range of the scheme, such as ">=0.12.4,<0.14", "<b4567" or "<535.104.05"."""
    if scheme not in get_args(Scheme):
        return False
    try:
        _parsed(scheme, text)
    except ValueError:
        return False
    return True


def valid_version(scheme: str, text: str) -> bool:
    """Whether `text` is one version of the scheme, as `fixed_in` must be."""
    return scheme in get_args(Scheme) and _key(scheme, text) is not None


def newer(version: str, than: str) -> bool:
    """Whether a PEP 440 version comes after another; one that cannot be read does not."""
    try:
        return Version(version) > Version(than)
    except InvalidVersion:
        return False


def _judge_exact(fact: VersionFact, alternatives: tuple[tuple[_Condition, ...], ...], exact: Any) -> Verdict:
    fixed = fact.fixed_in is not None and exact >= _key(fact.scheme, fact.fixed_in)
    if fixed:
        return "fixed"
    if not alternatives or any(all(_holds(fact.scheme, c, exact) for c in conditions) for conditions in alternatives):
        return "affected"
    return "not_affected"


def _readings(scheme: str, version: str, bounds: list[str]) -> Iterator[Any]:
    """Every exact version the text may mean: verdicts must agree on all of them."""
    key = _key(scheme, version)
    if key is None:
        return
    if scheme == "driver":
        yield from _driver_readings(key, [_key(scheme, bound.rstrip(".*")) for bound in bounds])
    elif scheme == "build":
        yield key
    else:
        yield from _release_readings(key, bounds)


def _release_readings(version: Version, bounds: list[str]) -> Iterator[Version]:
    public = Version(version.public)  # a local part such as +cu121 names the build, not the code
    if public.is_prerelease:
        yield from (public, Version(public.base_version))
    elif len(public.release) == 2 and public.post is None:
        yield from (Version(f"{public}.0"), Version(f"{public}.{_LATE}"))
        for bound in (_key("pep440", bound) for bound in bounds):
            if bound is not None and bound.release[:2] == public.release and not bound.is_prerelease:
                yield Version(bound.public)
    else:
        yield public


def _driver_readings(key: tuple[int, ...], bounds: list[Any]) -> Iterator[tuple[int, ...]]:
    longer = [bound for bound in bounds if bound and len(bound) > len(key) and bound[: len(key)] == key]
    yield key
    for bound in longer:
        yield from (bound, (*key, _LATE))


def _key(scheme: str, text: str) -> Any:
    """The text as something comparable, None where it is no version of the scheme."""
    if scheme == "build":
        found = _BUILD.fullmatch(text)
        return int(found[1]) if found else None
    if scheme == "driver":
        return tuple(map(int, text.split("."))) if _DRIVER.fullmatch(text) and len(text) < 40 else None
    try:
        return Version(text)
    except InvalidVersion:
        return None


@lru_cache(4096)
def _parsed(scheme: str, text: str) -> tuple[tuple[_Condition, ...], ...]:
    """Alternatives of conditions. Raises ValueError for what is no range of the scheme."""
    return tuple(tuple(_conditions(scheme, part)) for part in text.split("||"))


def _conditions(scheme: str, text: str) -> Iterator[_Condition]:
    for part in text.split(","):
        found = _CONDITION.fullmatch(part)
        if not found:
            raise ValueError(f"{part.strip()!r} is not a condition such as '>=0.12.4'")
        condition = _Condition(found[1], found[2])
        if not _condition_ok(scheme, condition):
            raise ValueError(f"{part.strip()!r} is not a condition on a version of scheme {scheme}")
        yield condition


def _condition_ok(scheme: str, condition: _Condition) -> bool:
    if scheme == "pep440":
        try:
            Specifier("".join(condition))
        except InvalidSpecifier:
            return False
        return condition.operator != "==="
    return condition.operator in _OPERATORS and _key(scheme, condition.bound) is not None


def _holds(scheme: str, condition: _Condition, exact: Any) -> bool:
    plain = scheme != "pep440" or condition.operator in ("<", ">=", "<=")
    if plain:
        return _OPERATORS[condition.operator](exact, _key(scheme, condition.bound))
    return Specifier("".join(condition)).contains(exact, prereleases=True)
