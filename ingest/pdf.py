"""PDF → text, line by line as it stands on the pages, running heads and page numbers left out. Knows pypdf."""

import io
import logging
import re
from collections import Counter

import pypdf
from pypdf.errors import PyPdfError

from ingest.pages import Metadata
from kb.errors import InputError

MAX_PAGES = 300
_PAGE_NUMBER = re.compile(
    r"(?:page )?\d{1,4}(?: ?(?:/|of) ?\d{1,4})?|第 ?\d{1,4} ?页(?:.{0,3}共 ?\d{1,4} ?页)?|[-–—] ?\d{1,4} ?[-–—]", re.I
)
logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every oddity of a file; we say so ourselves


def pdf_text(raw: bytes, source: str) -> tuple[str, Metadata]:
    """The text of a PDF and what it says of itself. Raises InputError for broken, locked and textless files."""
    try:
        reader = pypdf.PdfReader(io.BytesIO(raw), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError(f"{source}: the PDF needs a password")
        if len(reader.pages) > MAX_PAGES:
            raise InputError(f"{source}: {len(reader.pages)} pages; at most {MAX_PAGES} are read")
        pages = [page.extract_text() or "" for page in reader.pages]
        known = _metadata(reader)
    except InputError:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError,
            NotImplementedError, AssertionError, ZeroDivisionError, OverflowError, MemoryError) as error:  # fmt: skip
        raise InputError(f"{source}: not readable as PDF ({type(error).__name__}: {str(error)[:80]})") from error
    text = "\n\n".join(_without_running_heads(pages)).strip().replace("\0", "")
    if not text:
        raise InputError(f"{source}: no text in the PDF: scanned pages must be recognised first")
    return text + "\n", known


def _metadata(reader: pypdf.PdfReader) -> Metadata:
    info = reader.metadata
    title = str(info.title).strip() if info and info.title else None
    author = str(info.author).strip() if info and info.author else None
    made = info.creation_date if info else None
    return Metadata(title or None, author or None, made.date().isoformat() if made else None)


def _without_running_heads(pages: list[str]) -> list[str]:
    """First and last lines that most pages share, and page numbers, are not text."""
    rows = [[line.rstrip() for line in page.split("\n")] for page in pages]
    edges = Counter(line for page in rows for line in {_key(x) for x in (*page[:2], *page[-2:]) if x.strip()})
    often = {line for line, n in edges.items() if len(pages) >= 2 and n > 0.6 * len(pages)}
    out = []
    for page in rows:
        last = len(page) - 3
        kept = [
            line
            for i, line in enumerate(page)
            if not ((i < 2 or i > last) and (_key(line) in often or _PAGE_NUMBER.fullmatch(line.strip())))
        ]
        out.append("\n".join(kept).strip("\n"))
    return out


def _key(line: str) -> str:
    return re.sub(r"\d+", "0", line.strip())
