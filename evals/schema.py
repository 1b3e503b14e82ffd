"""`python -m evals schema`: write app/diagnosis.schema.json from the types."""

import json
from collections.abc import Sequence

from app.diagnosis import SCHEMA_FILE, json_schema


def main(argv: Sequence[str] = ()) -> int:
    """Write the file."""
    SCHEMA_FILE.write_text(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(SCHEMA_FILE.name)
    return 0
