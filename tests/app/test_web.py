"""`casebook web` as a command; the page itself is tested in tests/web."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from app.casebook import Casebook

ROOT = Path(__file__).parents[2]


def test_a_bound_port_is_one_clear_line(casebook: Casebook, data_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = {**os.environ, "CASEBOOK_DATA": str(data_folder), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "app.main", "web", "--port", str(port)]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    assert result.returncode == 3
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr
