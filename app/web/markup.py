"""Markdown and HTML: the one seam to markdown-it and Jinja. What a user wrote never becomes HTML.

markdown-it runs with raw HTML off and images out, so nothing but its own tags comes out; its link check drops
javascript: and the like. Templates escape everything that is not Markup.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup as Markup  # templates take it as it is
from markupsafe import escape as escape

from kb.writeups import CITATION

_FENCES = r"^ {0,6}(?P<fence>`{3,}|~{3,}).*?^ {0,6}(?P=fence)[`~]*[ \t]*$"
_CODE = re.compile(rf"({_FENCES}|(?<!`)(?P<tick>`+)(?!`)[^\n]*?(?<!`)(?P=tick)(?!`))", re.MULTILINE | re.DOTALL)
_AUTOLINK = re.compile(r"<(https?://[^\s<>]+)>")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:=])")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def _outside(token: Any) -> None:
    for child in token.children or ():
        if child.type == "link_open" and str(child.attrs.get("href", "")).startswith(("http://", "https://")):
            child.attrs.update(target="_blank", rel="noopener noreferrer")


def block(text: str) -> Markup:
    """Markdown as HTML blocks."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        _outside(token)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return Markup(html.replace("<pre>", '<pre tabindex="0">'))  # a keyboard must reach what scrolls


def inline(text: str) -> Markup:
    """Markdown of one line as HTML without a paragraph around it."""
    tokens = _MARKDOWN.parseInline(text)
    for token in tokens:
        _outside(token)
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _prose(text: str, change: Callable[[str], str]) -> str:
    """The Markdown with everything but code changed."""
    parts, end = [], 0
    for found in _CODE.finditer(text):
        parts += [change(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, change(text[end:])])


def linked(text: str, target: Mapping[int, str]) -> str:
    """Markdown with its citations [n] as links to `target[n]`; unknown numbers and code stay as they are."""

    def link(found: re.Match[str]) -> str:
        numbers = [int(n) for n in re.findall(r"\d+", found[1])]
        if not all(n in target for n in numbers):
            return found[0]
        return " ".join(f"[\\[{n}\\]]({target[n]})" for n in numbers)

    return _prose(text, lambda part: CITATION.sub(link, part))


def disarmed(text: str) -> str:
    """Markdown in which no raw HTML and no image is left, for a renderer that would show them."""

    def change(part: str) -> str:
        part = _AUTOLINK.sub(r"[\1](\1)", part)
        return part.replace("<", "&lt;").replace("![", "!\\[")

    return _prose(text, change)


def literal(text: str) -> str:
    """Any text as Markdown that shows it letter by letter: a paste as code, a sentence escaped."""
    if "\n" in text.strip():
        longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}text\n{text}\n{fence}"
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", escaped)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(md=block, md_inline=inline)
    return made


_ENVIRONMENT = _environment()


def render(template: str, **values: Any) -> str:
    """A template of app/web/templates filled with values."""
    return _ENVIRONMENT.get_template(template).render(**values)
