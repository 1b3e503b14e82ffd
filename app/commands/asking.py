"""Commands that answer: a question or a paste, a configuration, a running job."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands import open_casebook
from app.settings import Settings, load_settings
from kb.errors import InputError
from kb.types import Lang

commands = typer.Typer()


@commands.command()
def diagnose(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE …|-]", help="logs and configs of one case")
    ] = None,
    text: Annotated[str | None, typer.Option(help="the question or a paste")] = None,
    lang: Annotated[str, typer.Option(help="auto, en or zh")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="print the diagnosis as JSON")] = False,
    no_llm: Annotated[bool, typer.Option("--no-llm", help="compose the answer without a model")] = False,
    batch: Annotated[Path | None, typer.Option(help="JSON lines of {id, query}; one diagnosis a line out")] = None,
) -> None:
    """Diagnose a question, a paste or files: ranked causes, the check, the fix, the sources."""
    from app import cli
    from app.diagnosis import Request

    if lang not in ("auto", "en", "zh"):
        raise InputError(f"--lang {lang}: not auto, en or zh")
    settings = load_settings()
    if no_llm:
        settings = settings.model_copy(update={"llm": None})
    if batch is not None:
        _batch(batch, settings)
        return
    inputs = cli.gather(files or [], text, sys.stdin.buffer)
    request = Request.model_validate({"language": lang, "use_model": not no_llm})
    casebook = open_casebook(settings)
    cli.show(casebook.stream(inputs, request, default_language=settings.interface_language), as_json)


def _batch(path: Path, settings: Settings) -> None:
    from app import cli

    if path.is_dir():
        raise InputError(f"{path}: is a directory")
    try:
        source = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    casebook = open_casebook(settings)
    with source:
        for line in cli.batch(casebook, (raw.decode("utf-8", "replace") for raw in source)):
            typer.echo(line)


@commands.command()
def chat(lang: Annotated[str | None, typer.Option(help="en or zh, for what the program says first")] = None) -> None:
    """The same conversation in a terminal: a blank line sends."""
    from app import cli
    from app.texts import say

    settings = load_settings()
    language: Lang = "zh" if (lang or settings.interface_language) == "zh" else "en"
    casebook = open_casebook(settings)
    cli.note(say("chat_hello", language))
    cli.chat(casebook, language, sys.stdin)


@commands.command()
def search(words: Annotated[list[str], typer.Argument(help="what to look for")], limit: int = 10) -> None:
    """Find incidents by words."""
    settings = load_settings()
    lang = settings.interface_language
    for incident, hit in open_casebook(settings).search(" ".join(words))[:limit]:
        typer.echo(f"{hit.score:.2f}  {incident.id}  {incident.title.get(lang)}")


@commands.command()
def show(id: str, lang: Annotated[str | None, typer.Option(help="en or zh: that language only")] = None) -> None:
    """Print an incident."""
    from app.cli import note, show_incident

    casebook = open_casebook(load_settings(), keep=True)
    incident = casebook.incident(id)
    if incident.superseded_by:
        note(f"{id} is retired; see {incident.superseded_by}")
    if reported := casebook.outcomes().get(id):
        note("reported here: " + ", ".join(f"{name} {times}" for name, times in sorted(reported.items())))
    typer.echo(show_incident(incident, "zh" if lang == "zh" else "en" if lang == "en" else None), nl=False)


@commands.command("lint-config")
def lint_config(
    files: Annotated[list[Path], typer.Argument(metavar="FILE …", help="the configuration files of one run")],
    form: Annotated[str, typer.Option("--format", help="text, json or sarif")] = "text",
    lang: Annotated[str | None, typer.Option(help="en or zh")] = None,
    everything: Annotated[bool, typer.Option("--all", help="also settings that only take part in a problem")] = False,
) -> None:
    """Check configurations against known incidents and documented rules; exit 1 on findings."""
    from app.cli import note
    from app.lint import lint, report

    if form not in ("text", "json", "sarif"):
        raise InputError(f"--format {form}: not text, json or sarif")
    settings = load_settings()
    language: Lang = "zh" if (lang or settings.interface_language) == "zh" else "en"
    linted = lint(files, settings.incident_folders, language)
    for remark in linted.remarks:
        note(f"casebook: {remark}")
    if printed := report(linted, form, everything):  # type: ignore[arg-type]
        typer.echo(printed)
    raise typer.Exit(1 if linted.found else 0)


@commands.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def watch(
    arguments: Annotated[list[str], typer.Argument(metavar="FILE|- · -- CMD …", help="a growing log, or a command")],
    notify: Annotated[str | None, typer.Option(help="a webhook that gets warnings as JSON")] = None,
    lang: Annotated[str | None, typer.Option(help="en or zh")] = None,
) -> None:
    """Follow a log or run a command, output unchanged; speak up on stderr at a known failure."""
    from app import cli, follow
    from app.diagnosis import Diagnosis, Request
    from app.watch import Warned, Watcher

    settings = load_settings()
    language: Lang = "zh" if (lang or settings.interface_language) == "zh" else "en"
    notifier = follow.Notifier(notify, cli.note) if notify else None
    opened: list[Any] = []

    def diagnose_text(text: str) -> Diagnosis:
        if not opened:  # at the first failure: a healthy run never needs it
            opened.append(open_casebook(settings))
        diagnosis: Diagnosis = opened[0].diagnose(Request(text=text, language=language, use_model=False))
        return diagnosis

    def say(warned: Warned) -> None:
        cli.note(warned.text)
        if notifier and warned.data:
            notifier.post(warned)

    command = sys.argv[-len(arguments) - 1] == "--"
    status = follow.follow(arguments, command, Watcher(diagnose_text, say, language))
    if notifier:
        notifier.wait()
    raise typer.Exit(status)


@commands.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
def collect(arguments: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Bundle versions, configs, environment, first error and log tail of this machine, redacted, for pasting."""
    from app.collect import main as run

    raise typer.Exit(run(arguments or []))
