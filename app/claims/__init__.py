"""Verification of a model's sentences: nothing that the cited incident or the paste does not say is shown."""

from app.claims.model import FIELDS, Field, Kind, Problem, Sentence
from app.claims.verify import Verifier, verify

__all__ = ["FIELDS", "Field", "Kind", "Problem", "Sentence", "Verifier", "verify"]
