"""The console script `casebook`: command table and composition point. Nobody imports this module."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app import failures
from app.settings import Settings, load_settings
from kb.errors import CasebookError, InputError
from kb.types import Lang

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
logger = logging.getLogger("casebook")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from kb.library import base_version

        typer.echo(f"casebook {version('casebook')}, base {base_version()}")
        raise typer.Exit


@app.callback()
def _options(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    """Casebook: root causes and fixes for LLM training, fine-tuning and serving failures, with their sources."""


def _casebook(settings: Settings, *, keep: bool = False) -> Any:
    from app.casebook import Casebook
    from app.cli import note

    return Casebook(settings, note, keep=keep)


@app.command()
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
    casebook = _casebook(settings)
    cli.show(casebook.stream(inputs, request, default_language=settings.interface_language), as_json)


def _batch(path: Path, settings: Settings) -> None:
    from app import cli

    if path.is_dir():
        raise InputError(f"{path}: is a directory")
    try:
        source = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    casebook = _casebook(settings)
    with source:
        for line in cli.batch(casebook, (raw.decode("utf-8", "replace") for raw in source)):
            print(line, flush=True)


@app.command()
def chat(lang: Annotated[str | None, typer.Option(help="en or zh, for what the program says first")] = None) -> None:
    """The same conversation in a terminal: a blank line sends."""
    from app import cli
    from app.texts import say

    settings = load_settings()
    language: Lang = "zh" if (lang or settings.interface_language) == "zh" else "en"
    casebook = _casebook(settings)
    cli.note(say("chat_hello", language))
    cli.chat(casebook, language, sys.stdin)


@app.command()
def index(rebuild: Annotated[bool, typer.Option(help="embed everything anew")] = False) -> None:
    """Bring the search index up to date with the incident files."""
    import time

    from app.casebook import build_index
    from app.cli import note

    start = time.monotonic()

    def progress(done: int, total: int) -> None:
        rate = done / max(time.monotonic() - start, 1e-6)
        note(f"embedded {done}/{total} passages, {rate:.0f}/s, {(total - done) / max(rate, 1e-6):.0f} s left")

    report = build_index(load_settings(), rebuild=rebuild, progress=progress)
    state = "updated" if report.changed else "up to date"
    typer.echo(
        f"{state}: {report.incidents} incidents, {report.passages} passages, "
        f"{report.embedded} embedded, {report.removed} removed"
        + (f", {report.resumed} taken up" if report.resumed else "")
    )


@app.command("check-incidents")
def check_incidents(
    folder: Annotated[list[Path] | None, typer.Argument(help="more folders of incidents")] = None,
    stale: Annotated[bool, typer.Option("--stale", help="list what should be looked at again, and why")] = False,
) -> None:
    """Check incident and group files: format, references, citations, languages, groups."""
    from kb.check import check_library
    from kb.library import scan
    from kb.stale import stale_incidents

    library, errors = scan([*load_settings().incident_folders, *(folder or [])])
    problems = stale_incidents(library) if stale else check_library(library)
    lines = [str(error) for error in errors] + [str(problem) for problem in problems]
    for line in lines:
        typer.echo(line)
    counts = f"{len(library.incidents)} incidents, {len(library.groups)} groups, {len(lines)} findings"
    typer.echo(counts, err=bool(lines))
    raise typer.Exit(1 if lines else 0)


@app.command()
def new(
    id: Annotated[str, typer.Argument(help="the incident's id, and its file's name")],
    area: Annotated[str, typer.Option(help="training, data, memory, serving …")] = "training",
    into: Annotated[Path, typer.Option(help="the incident folder")] = Path("incidents"),
) -> None:
    """Write the skeleton of an incident file."""
    from app.cli import new_incident

    typer.echo(new_incident(id, area, into))


@app.command()
def show(id: str, lang: Annotated[str | None, typer.Option(help="en or zh: that language only")] = None) -> None:
    """Print an incident."""
    from app.cli import note, show_incident

    casebook = _casebook(load_settings(), keep=True)
    incident = casebook.incident(id)
    if incident.superseded_by:
        note(f"{id} is retired; see {incident.superseded_by}")
    if reported := casebook.outcomes().get(id):
        note("reported here: " + ", ".join(f"{name} {times}" for name, times in sorted(reported.items())))
    typer.echo(show_incident(incident, "zh" if lang == "zh" else "en" if lang == "en" else None), nl=False)


@app.command()
def search(words: Annotated[list[str], typer.Argument(help="what to look for")], limit: int = 10) -> None:
    """Find incidents by words."""
    settings = load_settings()
    lang = settings.interface_language
    for incident, hit in _casebook(settings).search(" ".join(words))[:limit]:
        typer.echo(f"{hit.score:.2f}  {incident.id}  {incident.title.get(lang)}")


@app.command()
def web(
    host: Annotated[str | None, typer.Option(help="address to bind; default 127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="port; default 7860")] = None,
) -> None:
    """Open the chat page, with REST at /v1 and /docs and MCP at /mcp."""
    from app.access import Access, check_address

    settings = load_settings()
    check_address(host or settings.host, Access(settings))  # before the imports, which take seconds
    from app.api import create_app, serve
    from app.cli import note
    from app.web import mount

    casebook = _casebook(settings, keep=True)
    pages = mount(create_app(casebook, settings), casebook, settings)
    serve(pages, host or settings.host, port or settings.port, lambda at: note(f"Casebook: {at} (Ctrl-C ends)"))


@app.command()
def mcp() -> None:
    """Serve the tools of an agent (Model Context Protocol) on standard input and output."""
    from app.mcp_server import serve_stdio

    serve_stdio(_casebook(load_settings(), keep=True))


@app.command()
def gaps(
    limit: Annotated[int, typer.Option(min=1, help="how many to show")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="print them as JSON")] = False,
) -> None:
    """What to write next: questions that were not answered, or voted down, in clusters."""
    from app.cli import note
    from app.gaps import find_gaps, report

    found = find_gaps(_casebook(load_settings(), keep=True))
    typer.echo(report(found[:limit], as_json), nl=False)
    note(f"{len(found)} clusters of {sum(gap.count for gap in found)} questions")


@app.command()
def slack(
    manifest: Annotated[bool, typer.Option("--manifest", help="print the app's manifest for Slack")] = False,
    check: Annotated[bool, typer.Option("--check", help="verify tokens and scopes, then exit")] = False,
    url: Annotated[str | None, typer.Option(help="for --manifest in HTTP mode: https://…/slack/events")] = None,
    host: Annotated[str, typer.Option(help="address to bind in HTTP mode")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port in HTTP mode")] = 3000,
) -> None:
    """Answer in Slack: Socket Mode with CASEBOOK_SLACK_APP_TOKEN, else HTTP with CASEBOOK_SLACK_SIGNING_SECRET."""
    from app.cli import note
    from app.slack import check as checks
    from app.slack.manifest import manifest as printed
    from app.slack.settings import load_slack_settings

    if manifest:
        typer.echo(printed(url))
        return
    slack_settings = load_slack_settings()
    checks.settled(slack_settings)
    if check:
        for line in checks.check(slack_settings):
            typer.echo(f"ok  {line}")
        return
    from app.slack.service import serve

    settings = load_settings()
    serve(_casebook(settings, keep=True), settings, slack_settings, note, (host, port))


@app.command()
def ingest(
    sources: Annotated[list[str] | None, typer.Argument(metavar="SOURCE …", help="saved pages, folders, URLs")] = None,
    into: Annotated[Path | None, typer.Option(help="folder for the drafts; default drafts, or CASEBOOK_DRAFTS")] = None,
    no_llm: Annotated[bool, typer.Option("--no-llm", help="draft by rules alone")] = False,
    from_cases: Annotated[bool, typer.Option("--from-cases", help="saved cases whose fix was confirmed")] = False,
) -> None:
    """Turn pages and threads into draft incidents: what the source supports, with its places; open fields listed."""
    from app import ingesting
    from app.cli import note
    from app.writer import open_model

    if not sources and not from_cases:
        raise InputError("nothing to ingest: name files, folders or addresses, or give --from-cases")
    settings = load_settings()
    model = None if no_llm else open_model(settings)
    cases = _casebook(settings, keep=True).fixed_cases() if from_cases else []
    raise typer.Exit(ingesting.run(sources or [], into or settings.drafts, typer.echo, note, model, cases))


@app.command()
def review(
    into: Annotated[Path | None, typer.Option(help="folder for what is accepted; default in the data folder")] = None,
    drafts: Annotated[Path | None, typer.Option(help="folder of drafts; default drafts, or CASEBOOK_DRAFTS")] = None,
    by: Annotated[str, typer.Option(help="who reviews; stands in the incident")] = "curator",
) -> None:
    """Go through drafts beside their sources: accept, edit, merge, reject or skip, one key each; leave at any time."""
    from app import reviewing

    settings = load_settings()
    raise typer.Exit(reviewing.review(_casebook(settings), settings, drafts, into, by))


@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
def collect(arguments: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Bundle versions, configs, environment, first error and log tail of this machine, redacted, for pasting."""
    from app.collect import main as run

    raise typer.Exit(run(arguments or []))


@app.command("lint-config")
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


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
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
            opened.append(_casebook(settings))
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


@app.command("serve-model")
def serve_model(
    model: Annotated[str | None, typer.Argument(help="a Qwen model or a folder; by default what fits the GPU")] = None,
    start: Annotated[bool, typer.Option("--run", help="start the server instead of printing the command")] = False,
) -> None:
    """Print or run the vLLM command that serves a Qwen on the GPU of this machine."""
    from app import serve_model as server
    from app.cli import note

    command = server.choose(server.gpus(), model)
    for line in command.notes:
        note(line)
    if start:
        raise typer.Exit(server.run(command))
    prefix = 'VLLM_API_KEY="$CASEBOOK_LLM_API_KEY" ' if command.environment else ""
    typer.echo(prefix + command.line())
    typer.echo(command.next_line())


@app.command()
def doctor() -> None:
    """Check that everything needed is there and works together."""
    from app.doctor import examine

    findings = list(examine(load_settings()))
    for finding in findings:
        typer.echo(f"{'ok ' if finding.ok else 'BAD'} {finding.what}: {finding.detail}")
    raise typer.Exit(0 if all(f.ok for f in findings) else 1)


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
