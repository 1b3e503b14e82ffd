"""Help and errors in Chinese: every command has both languages, patterns fit what the program says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from app import chinese
from app.main import app

ROOT = Path(__file__).parents[2]


def test_every_command_and_option_has_its_help_in_both_languages() -> None:
    said = {one.help for one in chinese.documented(typer.main.get_command(app))}
    missing = said - chinese.help_texts().keys()
    assert missing == set(), "app/chinese.yaml: help lacks these"
    unused = chinese.help_texts().keys() - said - {"Show this message and exit."}
    assert unused == set(), "app/chinese.yaml: help has these, the commands do not"
    assert all(re.search(r"[一-鿿]|^[\x00-\x7f…、或]+$", text) for text in chinese.help_texts().values())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("run.log: no such file", "run.log：没有这个文件"),
        ("a: binary, a PDF; paste its text", "a：是 PDF，请粘贴其中的文字"),
        ("h:80: cannot be bound (x); choose another with --port", "h:80：无法监听（x）；请用 --port 换一个端口"),
        ("bytes of a.log: 3 NUL bytes removed", "a.log：去掉了 3 个 NUL 字节"),
        ("something new", "something new"),
    ],
)  # fmt: skip
def test_error_lines_are_put_into_chinese(said: str, expected: str) -> None:
    assert chinese.line(said) == expected


def test_the_locale_decides(tmp_path: Path) -> None:
    def run(locale: str) -> str:
        command = [sys.executable, "-m", "app.main", "diagnose", "no.log"]
        environment = {"LC_ALL": locale, "PATH": "", "CASEBOOK_DATA": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, encoding="utf-8").stderr

    assert run("zh_CN.UTF-8") == "casebook: no.log：没有这个文件\n"
    assert run("en_US.UTF-8") == "casebook: no.log: no such file\n"
