"""The two READMEs state the same facts: settings, commands, figures, addresses."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FACTS = (
    r"CASEBOOK_[A-Z_]+",  # settings
    r"https?://[^\s)>`（\]]+",
    r"\d\.\d\d",  # figures
    r"(?<=^\| )`[^|]+`(?= \|)",  # commands and settings in tables
)


def facts(name: str, pattern: str) -> set[str]:
    text = (ROOT / name).read_text(encoding="utf-8").replace("、", ", ").replace("`, `", "`\n| `")
    found = re.findall(pattern, text, re.MULTILINE)
    return {re.sub(r"[^\x00-\x7f].*| (?:WORDS|FILE|LOG|PAGE|SOURCE|CMD).*", "", fact).strip(" `|") for fact in found}


@pytest.mark.long  # one is edited after the other; before a release both must agree
def test_both_readmes_state_the_same_facts() -> None:
    for pattern in FACTS:
        assert facts("README.md", pattern) == facts("README.zh.md", pattern), pattern


def test_pictures_are_there_and_small() -> None:
    for name in ("page-en.png", "page-zh.png"):
        assert 10_000 < (ROOT / "docs" / name).stat().st_size < 200_000
