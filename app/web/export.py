"""A case as Markdown for a GitHub issue. Everything in a diagnosis is redacted already."""

from collections.abc import Iterator

from app.diagnosis import Diagnosis
from app.texts import say
from app.web.texts import tell
from kb import vocabulary
from kb.types import Lang


def as_markdown(diagnosis: Diagnosis, lang: Lang) -> str:
    """What was seen, the environment, the causes considered with their evidence and sources."""
    parts = [
        f"### {tell('export_title', lang)}",
        _section("export_symptom", lang, _seen(diagnosis, lang)),
        _section("export_environment", lang, _environment(diagnosis)),
        _section("export_causes", lang, _causes(diagnosis, lang)),
        f"_{tell('export_footer', lang, version=diagnosis.kb.version)}_",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(key: str, lang: Lang, lines: Iterator[str]) -> str:
    text = "\n".join(lines)
    return f"#### {tell(key, lang)}\n\n{text}" if text else ""


def _seen(diagnosis: Diagnosis, lang: Lang) -> Iterator[str]:
    evidence = diagnosis.evidence
    if first := evidence.initiating_error:
        yield f"{tell('line', lang, input=first.input, line=first.line)}:\n\n{_fenced(first.text)}\n"
    for signal in evidence.signals:
        values = ", ".join(f"{v:g}" if isinstance(v, float) else v for v in signal.values[:6])
        yield f"- {vocabulary.signals()[signal.name][lang]}" + (f" ({values})" if values else "")
    if not evidence.initiating_error and not evidence.signals:
        yield diagnosis.reason


def _fenced(text: str) -> str:
    fence = "`" * 3
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"


def _environment(diagnosis: Diagnosis) -> Iterator[str]:
    for name, seen in diagnosis.evidence.versions.items():
        yield f"- {name} {seen.version}"
    for finding in diagnosis.evidence.config_findings:
        yield f"- `{finding.key} = {finding.value}`: {finding.message} {finding.url}"


def _causes(diagnosis: Diagnosis, lang: Lang) -> Iterator[str]:
    for cause in diagnosis.causes:
        yield f"{cause.rank}. **{cause.title}** ({round(cause.confidence * 100)} %)"
        yield from (f"   - {tell('for', lang)}: {reason}" for reason in cause.supports)
        yield from (f"   - {tell('against', lang)}: {reason}" for reason in cause.contradicts)
        yield f"   - {tell('fix_status', lang)}: {say('fix_' + cause.fix_status, lang)}"
        yield from (f"   - {source.url}" for source in cause.sources)
