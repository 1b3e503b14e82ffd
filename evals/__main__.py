"""`python -m evals NAME …`: every figure that the README or evals/LOG.md gives comes from one of these."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

COMMANDS = {
    "adapter-fit": "evals.adapter_fit",
    "claims": "evals.claims_eval",
    "configs": "evals.configs_eval",
    "logspeed": "evals.logspeed",
    "pastes": "evals.pastes",
    "duplicates": "evals.duplicates_eval",
    "focus-fit": "evals.focus_fit",
    "forms": "evals.forms_eval",
    "forms-fit": "evals.forms_fit",
    "fit": "evals.fit",
    "indexing": "evals.indexing",
    "gate": "evals.gate",
    "ingest": "evals.ingest_eval",
    "ingest-fit": "evals.ingest_fit",
    "load": "evals.load",
    "retrieval": "evals.retrieval",
    "run": "evals.evaluate",
    "schema": "evals.schema",
    "secrets": "evals.secrets_eval",
    "versions": "evals.versions_eval",
    "writing": "evals.writing",
}


def main(argv: Sequence[str]) -> int:
    """Run one command."""
    if not argv or argv[0] not in COMMANDS:
        print("usage: python -m evals {" + ",".join(COMMANDS) + "} …", file=sys.stderr)
        return 2
    command: Callable[[Sequence[str]], int] = import_module(COMMANDS[argv[0]]).main
    return command(argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
