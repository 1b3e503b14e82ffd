"""Whether bytes are text at all."""

from pathlib import Path

from kb.evidence.decode import Notes, sniff, to_text

SAMPLE = 65_536
MAX_STRANGE = 0.15  # share of control and undecodable characters; broken logs measured below 0.05, binaries above 0.3
_ALLOWED = frozenset("\t\n\r\x0b\x0c\x1b\x08\x07\x00")
_KINDS = (
    (b"\x89PNG", "a PNG image; screenshots are not read, paste the text"),
    (b"\xff\xd8\xff", "a JPEG image; screenshots are not read, paste the text"),
    (b"\x1f\x8b", "gzip data; unpack it first"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"%PDF", "a PDF; paste its text"),
    (b"\x7fELF", "a program"),
)


def binary_kind(content: bytes | Path) -> str | None:
    """What binary thing this is, or None for text in any encoding; NULs alone do not make it binary."""
    if isinstance(content, Path):
        with content.open("rb") as file:
            head = file.read(SAMPLE)
    else:
        head = content[:SAMPLE]
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    notes = Notes()
    text = to_text(head, notes)
    strange = notes.replaced + sum(c < " " and c not in _ALLOWED for c in text)
    nuls = 0 if sniff(head) != "utf-8" else text.count("\0")
    if nuls > len(text) / 2 or strange > MAX_STRANGE * max(len(text), 1):
        return "not text"
    return None
