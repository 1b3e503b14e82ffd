"""The description of the API as one page, made here from the OpenAPI document: it loads nothing from anywhere."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328;background:#fff}
summary{cursor:pointer;padding:.5rem 0}h2{font-size:1.2rem;margin-top:2rem}
code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:#f6f8fa;padding:.75rem;overflow:auto}
.m{display:inline-block;min-width:4.5rem;font-weight:600}table{border-collapse:collapse}
td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre{background:#161b22}a{color:#79b8ff}}
"""


def describe(api: Mapping[str, Any]) -> str:
    """The page of an OpenAPI 3.1 document, as HTML."""
    info = api["info"]
    title = escape(f"{info['title']} API")
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{escape(info.get('description', ''))}</p>",
        '<p>As a document: <a href="/openapi.json">openapi.json</a>. Errors are RFC 9457 problem documents.</p>',
        "<h2>Operations</h2>",
        *(_operation(path, method, op) for path, item in api["paths"].items() for method, op in item.items()),
        "<h2>Types</h2>",
        *(_type(name, schema) for name, schema in api.get("components", {}).get("schemas", {}).items()),
    ]
    return "\n".join(parts)


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    head = f'<span class="m">{escape(method.upper())}</span> <code>{escape(path)}</code>'
    said = escape(operation.get("description", operation.get("summary", "")))
    body = operation.get("requestBody", {}).get("content", {})
    schemas = "".join(_schema(f"Takes {kind}", part.get("schema", {})) for kind, part in body.items())
    answers = " · ".join(escape(str(status)) for status in sorted(map(str, operation.get("responses", {}))))
    table = "".join(_parameters(operation.get("parameters", ())))
    inside = f"<p>{said}</p>{table}{schemas}{_answer(operation)}<p>Answers: {answers}</p>"
    return f"<details><summary>{head}</summary>{inside}</details>"


def _answer(operation: Mapping[str, Any]) -> str:
    """The types of what comes back where all went well."""
    good = (answer for status, answer in operation.get("responses", {}).items() if str(status).startswith("2"))
    parts = [item for answer in good for item in answer.get("content", {}).items()]
    return "".join(_schema(f"Gives {kind}", part["schema"]) for kind, part in parts if part.get("schema"))


def _parameters(parameters: Any) -> Iterator[str]:
    if parameters:
        yield "<table><tr><th>parameter</th><th>in</th><th>type</th></tr>"
        for given in parameters:
            name, where = escape(given["name"]), escape(given["in"])
            kind = escape(json.dumps(given.get("schema", {}), ensure_ascii=False))
            yield f"<tr><td><code>{name}</code></td><td>{where}</td><td><code>{kind}</code></td></tr>"
        yield "</table>"


def _type(name: str, schema: Any) -> str:
    return f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>{_schema("", schema)}</details>'


def _schema(title: str, schema: Any) -> str:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        return f'<p>{escape(title)}: <a href="#{escape(name)}"><code>{escape(name)}</code></a></p>'
    text = escape(json.dumps(schema, ensure_ascii=False, indent=2))
    return f"{f'<p>{escape(title)}</p>' if title else ''}<pre>{text}</pre>"
