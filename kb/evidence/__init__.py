"""Reading evidence: pasted text, logs and environments → typed evidence with the lines it came from."""

from kb.evidence.reader import Input, read

__all__ = ["Input", "read"]
