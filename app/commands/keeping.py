"""Commands that keep the base: its index, its files, drafts and their review, what to write next."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands import open_casebook
from app.settings import load_settings
from kb.errors import InputError

commands = typer.Typer()


@commands.command()
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


@commands.command("check-incidents")
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


@commands.command()
def new(
    id: Annotated[str, typer.Argument(help="the incident's id, and its file's name")],
    area: Annotated[str, typer.Option(help="training, data, memory, serving …")] = "training",
    into: Annotated[Path, typer.Option(help="the incident folder")] = Path("incidents"),
) -> None:
    """Write the skeleton of an incident file."""
    from app.cli import new_incident

    typer.echo(new_incident(id, area, into))


@commands.command()
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
    cases = open_casebook(settings, keep=True).fixed_cases() if from_cases else []
    raise typer.Exit(ingesting.run(sources or [], into or settings.drafts, typer.echo, note, model, cases))


@commands.command()
def review(
    into: Annotated[Path | None, typer.Option(help="folder for what is accepted; default in the data folder")] = None,
    drafts: Annotated[Path | None, typer.Option(help="folder of drafts; default drafts, or CASEBOOK_DRAFTS")] = None,
    by: Annotated[str, typer.Option(help="who reviews; stands in the incident")] = "curator",
) -> None:
    """Go through drafts beside their sources: accept, edit, merge, reject or skip, one key each; leave at any time."""
    from app import reviewing

    settings = load_settings()
    raise typer.Exit(reviewing.review(open_casebook(settings), settings, drafts, into, by))


@commands.command()
def gaps(
    limit: Annotated[int, typer.Option(min=1, help="how many to show")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="print them as JSON")] = False,
) -> None:
    """What to write next: questions that were not answered, or voted down, in clusters."""
    from app.cli import note
    from app.gaps import find_gaps, report

    found = find_gaps(open_casebook(load_settings(), keep=True))
    typer.echo(report(found[:limit], as_json), nl=False)
    note(f"{len(found)} clusters of {sum(gap.count for gap in found)} questions")
