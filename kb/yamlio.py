"""The one seam to PyYAML: YAML 1.2 scalars, duplicate keys refused, and the line of every key.

PyYAML reads YAML 1.1, where `on`, `yes` and `no` are booleans; all three are keys of our files.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from kb.errors import IncidentError

Path_ = tuple[str | int, ...]
_MAX_DEPTH = 40


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 — its own table: the base class fills it from YAML 1.1


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = {}  # noqa: RUF012 — as above

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_SCALARS = (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+0123456789.")),
    ("tag:yaml.org,2002:timestamp", r"^\d\d\d\d-\d\d-\d\d$", list("0123456789")),
)
for _tag, _pattern, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(_pattern), _first)
_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(str(node.value)))


def load(text: str, path: Path | str = "<text>", first_line: int = 1) -> tuple[Any, dict[Path_, int]]:
    """Parse one YAML document.

    Returns the data and the 1-based line of every key and list item, by its path.
    Raises IncidentError for bad YAML, aliases, deep nesting and duplicate keys.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Path_, int] = {}
        if node is not None:
            _walk(node, (), lines, path, first_line, set())
        return (loader.construct_document(node) if node is not None else None), lines
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark.line if error.problem_mark else 0) + first_line
        raise IncidentError(path, line, "yaml", str(error.problem)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise IncidentError(path, first_line, "yaml", str(error).splitlines()[0]) from error
    finally:
        loader.dispose()


def _walk(node: Any, at: Path_, lines: dict[Path_, int], path: Path | str, first: int, seen: set[int]) -> None:
    line = node.start_mark.line + first
    lines.setdefault(at, line)
    name = ".".join(map(str, at)) or "document"
    if id(node) in seen:
        raise IncidentError(path, line, name, "aliases are not allowed")
    if len(at) > _MAX_DEPTH:
        raise IncidentError(path, line, name, f"nested deeper than {_MAX_DEPTH}")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, str(key.value))
            if here in lines:
                raise IncidentError(path, key.start_mark.line + first, ".".join(map(str, here)), "key given twice")
            lines[here] = key.start_mark.line + first
            _walk(value, here, lines, path, first, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*at, index), lines, path, first, seen)


def dump(data: Any) -> str:
    """Data as block YAML, keys in the order given; `load` gives the same data back."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100_000)
