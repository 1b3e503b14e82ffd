"""Commands that serve: the page, agents, Slack, a model; and the doctor."""

from typing import Annotated

import typer

from app.commands import open_casebook
from app.settings import load_settings

commands = typer.Typer()


@commands.command()
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

    casebook = open_casebook(settings, keep=True)
    pages = mount(create_app(casebook, settings), casebook, settings)
    serve(pages, host or settings.host, port or settings.port, lambda at: note(f"Casebook: {at} (Ctrl-C ends)"))


@commands.command()
def mcp() -> None:
    """Serve the tools of an agent (Model Context Protocol) on standard input and output."""
    from app.mcp_server import serve_stdio

    serve_stdio(open_casebook(load_settings(), keep=True))


@commands.command()
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
    serve(open_casebook(settings, keep=True), settings, slack_settings, note, (host, port))


@commands.command("serve-model")
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


@commands.command()
def doctor() -> None:
    """Check that everything needed is there and works together."""
    from app.doctor import examine

    findings = list(examine(load_settings()))
    for finding in findings:
        typer.echo(f"{'ok ' if finding.ok else 'BAD'} {finding.what}: {finding.detail}")
    raise typer.Exit(0 if all(f.ok for f in findings) else 1)
