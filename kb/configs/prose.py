"""Settings told in words, in English or Chinese ("I set max_steps to 4", "overlap_comm 开着") → pairs."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from kb.configs import keys
from kb.configs.model import Block, Pair
from kb.configs.values import of_the_program, scalar

_WORD = re.compile(r"(?<![\w/.-])(?:--?)?([A-Za-z][A-Za-z0-9]*(?:[_.-][A-Za-z0-9]+)*)")
_ENV = re.compile(
    r"(?<![\w/$])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\s?=\s?([^\s,;\uff0c\uff1b\u3002\u3001)\uff09`'\"]+"
    r"(?:,(?![\w.-]+\s*[=:])[\w.:/^-]+)*|\"[^\"]*\"|'[^']*')",
    re.ASCII,
)
_ENVIRON = re.compile(r"environ(?:\[|\.setdefault\()[\"']([A-Z][A-Z0-9_]*)[\"'](?:\]\s*=|,)\s*(\"[^\"]*\"|'[^']*')")
_CHINESE_LINK = (
    r"\s*(?:的值|这个参数|参数)?\s*(?:我们?|这边)?(?:都|也|已经|已|现在|目前|一直)?\s*(?:被)?"
    r"(?:设置|设定|设|改|调|调整|配置|配|指定|写|选|开|用|填|加|减|降|升|取)?"
    r"(?:成|为|到|的是|了|是|等于|的)了?\s*|\s*(?:设置|设|用|开|写|填)\s*"
)
_LINK = (
    r"(?P<link>\s*(?:=>|->|→|=(?!=)|:(?!//)|\uff1a)\s*"
    r"|\s+(?:is|was|were|are|to|of|at|as|equals|set to|=)(?:\s+set)?(?:\s+(?:to|at|as))?\s+"
    rf"|{_CHINESE_LINK}|\s+)"
)
_VALUE = (
    r"(?P<value>\[[^\[\]{}]{1,200}\]|\"[^\"]{1,80}\"|'[^']{1,80}'|[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w%]|\.\d)"
    r"|[A-Za-z][\w./+-]*(?<![.-]))"
)
_AFTER = re.compile(rf"[`\"'”*)]*(?:\s*[(\uff08](?:[^()\uff08\uff09]{{0,20}})[)\uff09])?{_LINK}[`\"'“*]*{_VALUE}")
_TOLD = re.compile(r"(?:用|设|设置|选|写|填|配|改)(?:的是|的|成|为|了)$")  # links that only tell a value
_AND = r"(?:[`\"'”*]*\s*(?:和|与|跟|、|以及|还有)\s*[`\"'“*]*[A-Za-z][\w.-]*)?"  # one switch told with another
_IS = _AND + r"[`\"'”*]*\s*(?:is|was|都|也|是|一直|已经?)?\s*(?:turned |switched )?"
_ON_AFTER = re.compile(rf"{_IS}(?:on\b|enabled\b|打开|开着|开启|启用|开了|开的|设成开)")
_OFF_AFTER = re.compile(rf"{_IS}(?:off\b|disabled\b|关闭|关了|关掉|关着|没开|未开|没有开|未启用|禁用)")
_TO_KEY = r"\s*[`\"'“*]*(?:--)?$"
_ON_BEFORE = re.compile(
    rf"(?i)(?:enabl(?:e|ed|ing)|turn(?:ed|ing)? on|打开了?|开启了?|启用了?|开了|加了|加上|added?|with){_TO_KEY}"
)
_OFF_BEFORE = re.compile(
    rf"(?i)(?:disabl(?:e|ed|ing)|turn(?:ed|ing)? off|关闭了?|关掉了?|关了|禁用了?|without|去掉了?|no){_TO_KEY}"
)
_WEAK_BEFORE = re.compile(r"(?i)(?:加了|加上|added?|with|without|去掉了?|no)\s*[`\"'“*]*(?:--)?$")
NO_VALUE = frozenset(
    """
    to not too the a an no set very also still in on off and or but so if is was be been that this it its only with for
    from high low large small big higher lower larger smaller enough changed wrong right correct missing given any
    all both ignored removed unknown deprecated required enabled disabled when while because then than error errors
    which has have does do did can will should could may must value values option options flag setting settings
    parameter argument arguments mode by my your our i we you same different default problem after before during
    there
    """.split()
)
_VERSION = re.compile(r"v?\d+\.\d+\.\d+\S*")
_QUESTION = re.compile(
    r"(?i)(?:\b(?:should|shall|can|could|must) (?:i|we)\b|"
    r"该不该|要不要|能不能|是否(?:应该|需要|可以))[^?.!;。？！；\n]*$"
)


@cache
def _advice() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(keys.table()["advice"]), re.compile(keys.table()["own"])


@cache
def _phrases() -> list[tuple[re.Pattern[str], str, str]]:
    return [(re.compile(row["pattern"]), row["kind"], row["key"]) for row in keys.table()["phrases"]]


def proposed(before: str) -> bool:
    """Whether the words before a setting propose it ("try setting …") and do not say that it is so."""
    before = before[-90:]
    advice, own = _advice()
    if _QUESTION.search(before):
        return True
    return advice.search(before) is not None and own.search(before) is None


def read_sentence(text: str, line: int) -> Iterator[Block]:
    """The settings that one line of words tells."""
    env = [Pair(found[1], scalar(found[2]), line) for found in _ENVIRON.finditer(text)]
    env += [
        Pair(found[1], scalar(found[2]), line) for found in _ENV.finditer(text) if not proposed(text[: found.start()])
    ]
    if env:
        yield Block("prose", tuple(env), "env")
    for pattern, kind, key in _phrases():
        for found in pattern.finditer(text):
            if not proposed(text[: found.start()]):
                yield Block("prose", (Pair(key, scalar(found[1]), line),), kind)
    for pair in _pairs(text, line):
        yield Block("prose", (pair,))


@lru_cache(4096)
def spoken(word: str) -> bool:
    """Whether the word is a key that people name in sentences."""
    if word in keys.table()["not_spoken"]:
        return False
    known = word in keys.owners() or word.replace("-", "_") in keys.owners()
    return known and (keys.specific(word) or word in keys.table()["spoken"])


def _pairs(text: str, line: int) -> Iterator[Pair]:
    for found in _WORD.finditer(text):
        word = found[1]
        if not spoken(word) or proposed(text[: found.start()]):
            continue
        pair = _pair(text, found, word, line)
        if pair is not None:
            yield pair


def _pair(text: str, found: re.Match[str], word: str, line: int) -> Pair | None:
    after, before = text[found.end() : found.end() + 120], text[max(0, found.start() - 40) : found.start()]
    clear = keys.specific(word)
    switch = clear or word in keys.table()["switches"]
    if _OFF_AFTER.match(after) and switch:
        return Pair(word, False, line)
    if _ON_AFTER.match(after) and switch:
        return Pair(word, True, line)
    value = _value(word, after, clear)
    if value is not None:
        return Pair(word, value[0], line)
    flag = "--" in found[0] or not _WEAK_BEFORE.search(before)
    if clear and flag and _OFF_BEFORE.search(before):
        return Pair(word, False, line)
    if clear and flag and _ON_BEFORE.search(before):
        return Pair(word, True, line)
    return None


def _value(key: str, after: str, clear: bool) -> tuple[object] | None:
    """The value behind a key; a plain word only after a link that says so, an ordinary word never."""
    found = _AFTER.match(after)
    if found is None:
        return None
    raw, link = found["value"], found["link"].strip()
    if _VERSION.fullmatch(raw) or of_the_program(key, raw):
        return None
    strict = link in ("=", ":", "\uff1a", "=>", "->", "→")
    if not clear and not strict and not _TOLD.search(link):
        return None
    if raw[0] == "[":
        return (tuple(scalar(item) for item in raw[1:-1].split(",") if item.strip()),) if strict else None
    value = scalar(raw.rstrip("."))
    word_means_nothing = raw.lower() in NO_VALUE and raw not in keys.table()["named_values"].get(key, ())
    if isinstance(value, str) and raw[:1] not in "\"'" and (not link or word_means_nothing):
        return None
    return (value,)
