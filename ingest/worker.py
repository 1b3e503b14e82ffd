"""A process that reads and drafts one source after the other, so that a hostile file ends it and nothing else.

Speaks pickles over its standard input and output: (name, path or bytes) in, a list of drafts and reasons or a line out.
"""

import os
import pickle
import resource
import sys
from pathlib import Path
from typing import BinaryIO

from ingest.drafts import draft
from ingest.reading import read_source
from ingest.types import Draft, NoIncident
from kb.errors import InputError

MEMORY = 4 << 30  # bytes of address space
Answer = list[Draft | NoIncident] | str


def answer(name: str, content: Path | bytes | InputError) -> Answer:
    """The drafts of a source, or the line that says why it cannot be read."""
    if isinstance(content, InputError):
        return str(content)
    try:
        raw = content if isinstance(content, bytes) else content.read_bytes()
        return [draft(item) for item in read_source(raw, name)]
    except InputError as error:
        return str(error)
    except OSError as error:
        return f"{name}: {error.strerror or error}"
    except MemoryError:
        return f"{name}: needs more than {MEMORY >> 30} GiB of memory to read"
    except RecursionError:
        return f"{name}: nested too deeply"


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until the input ends."""
    while True:
        try:
            name, content = pickle.load(source)
        except EOFError:
            return
        pickle.dump(answer(name, content), sink)
        sink.flush()


def main() -> None:
    """Keep the channel for answers; what libraries print goes to stderr."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    serve(sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
