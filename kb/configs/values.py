"""A value as written → str, int, float, bool or None."""

import re
from typing import Any

_INT = re.compile(r"[-+]?\d+(?:_\d+)*")
_FLOAT = re.compile(r"[-+]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "none": None, "~": None}
_YAML_WORDS: dict[str, Any] = {"yes": True, "no": False, "on": True, "off": False}
_DTYPE = re.compile(r"(?:torch|jnp|np|paddle|mindspore)\.([a-z]+\d+)")
MAX_VALUE = 2000  # characters
_EXPRESSION = re.compile(r"[A-Za-z_][\w.]*\((?:…|.*)\)|(?:self|cls|args)\.\w[\w.]*")


def of_the_program(key: str, value: Any) -> bool:
    """Whether a value is an expression of the program around ("self.stage", "stage=stage"), which tells no setting."""
    return isinstance(value, str) and (value == key or _EXPRESSION.fullmatch(value) is not None)


def scalar(text: str, yaml: bool = False) -> Any:
    """The value of one word or quoted text; quoted text stays text. `yaml`: yes, no, on and off are booleans."""
    text = text.strip()[:MAX_VALUE]
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'`":
        return text[1:-1].replace('\\"', '"') if text[0] == '"' else text[1:-1]
    low = text.lower()
    if low in _WORDS:
        return _WORDS[low]
    if yaml and low in _YAML_WORDS:
        return _YAML_WORDS[low]
    return number(text)


def number(text: str) -> Any:
    """An int or float where the text is one, else the text; a dtype without its module."""
    if len(text) < 40:
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if found := _DTYPE.fullmatch(text):
            return found[1]
    return text
