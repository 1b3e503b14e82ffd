"""The console script `casebook`: command table and composition point. Nobody imports this module."""

import logging
import os
import sys
from typing import Annotated

import typer

from app import failures
from app.commands import asking, keeping, serving
from kb.errors import CasebookError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (asking, keeping, serving):
    app.add_typer(group.commands)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from kb.library import base_version

        typer.echo(f"casebook {version('casebook')}, base {base_version()}")
        raise typer.Exit


@app.callback()
def _options(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    """Casebook: root causes and fixes for LLM training, fine-tuning and serving failures, with their sources."""


def main() -> None:
    """Run the command line with the exit statuses of DESIGN.md section 4."""
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    try:
        status = failures.localized(typer.main.get_command(app))(prog_name="casebook", standalone_mode=False)
        sys.stdout.flush()
    except CasebookError as error:
        status = failures.fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    except Exception as error:  # noqa: BLE001 — the last resort: one line for the user, the rest in the log
        status = failures.fail(failures.bug(error), getattr(error, "exit_code", None) or 70)
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
