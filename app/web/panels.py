"""The case beside the chat, and what stands under an answer: next checks and feedback. HTML from templates."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from app import chinese
from app.access import is_loopback
from app.diagnosis import Cause, Diagnosis
from app.settings import Settings
from app.texts import say
from app.web.export import as_markdown
from app.web.markup import linked, render
from app.web.plots import plot
from app.web.texts import EXAMPLES, tell
from kb import vocabulary
from kb.types import Incident, Lang, Source

Catalog = Mapping[str, Incident]


def texts(lang: Lang) -> dict[str, Any]:
    """What every template needs: the texts of the page and of the answers in one language."""
    return {
        "lang": lang,
        "t": lambda key, **fields: tell(key, lang, **fields),
        "say": lambda key, **fields: say(key, lang, **fields),
    }


def welcome(settings: Settings, lang: Lang) -> str:
    """The page before the first question: what to send, where it goes, and examples to try."""
    return render("welcome.html", examples=EXAMPLES[lang], promise=promise(settings, lang), **texts(lang))


def promise(settings: Settings, lang: Lang) -> str:
    """What becomes of what is sent: a model on another machine gets it, and how long it is kept."""
    days = settings.retention_days
    kept = tell("kept_days", lang, days=f"{days:g}") if days > 0 else tell("kept_not", lang)
    host = urlsplit(settings.llm or "").hostname
    elsewhere = host is not None and not is_loopback(host)
    return tell("privacy_model", lang, host=host, kept=kept) if elsewhere else tell("privacy", lang, kept=kept)


def case_panel(diagnosis: Diagnosis | None, incidents: Catalog, lang: Lang) -> str:
    """Everything read from the case and every cause that fits, with its sources."""
    if diagnosis is None:
        return render("case_empty.html", **texts(lang))
    evidence = diagnosis.evidence
    return render(
        "case.html",
        d=diagnosis,
        headline=headline(diagnosis, lang),
        rest=max(0, round(100 * (1 - sum(c.confidence for c in diagnosis.causes if c.problem == 1)))),
        percents={c.incident: round(c.confidence * 100) for c in diagnosis.causes},
        sources={c.incident: cited_sources(c, incidents) for c in diagnosis.causes},
        later=[e for e in evidence.exceptions if e.role != "initiating"],
        signs=[(str(vocabulary.signals()[s.name][lang]), s) for s in evidence.signals],
        picture=plot(evidence, lang),
        markdown=as_markdown(diagnosis, lang),
        skipped=lambda one: chinese.line(f"{one.check}: {one.why}") if lang == "zh" else f"{one.check}: {one.why}",
        **texts(lang),
    )


def headline(diagnosis: Diagnosis, lang: Lang) -> str:
    """The verdict in a few words."""
    if diagnosis.verdict == "diagnosed" and diagnosis.causes[0].cause_kind == "expected":
        return tell("expected", lang)
    if diagnosis.verdict == "ambiguous":
        return tell("ambiguous", lang, count=len(diagnosis.causes))
    return (
        say("nothing_wrong", lang) if diagnosis.reason_code == "nothing_wrong_seen" else tell(diagnosis.verdict, lang)
    )


def cited_sources(cause: Cause, incidents: Catalog) -> list[tuple[int, Source]]:
    """The sources of a cause under their numbers in the diagnosis, with what the incident says of each."""
    incident = incidents.get(cause.incident)
    known = (
        {(s.url or s.ref, s.shows.get(lang)): s for s in incident.sources for lang in ("en", "zh")} if incident else {}
    )
    found = [(cited.n, known.get((cited.url, cited.shows))) for cited in cause.sources]
    return [(n, source) for n, source in found if source]


def citation_targets(diagnosis: Diagnosis, incidents: Catalog) -> dict[int, str]:
    """The address of the incident, at the source, behind each citation number of a diagnosis."""
    return {
        n: f"/incidents/{cause.incident}#source-{source.n}"
        for cause in reversed(diagnosis.causes)
        for n, source in cited_sources(cause, incidents)
    }


def cited(text: str, diagnosis: Diagnosis, incidents: Catalog) -> str:
    """An answer's Markdown with its citations as links to the incidents."""
    return linked(text, citation_targets(diagnosis, incidents))


def follow_up(diagnosis: Diagnosis | None, outcome: str | None, lang: Lang) -> str:
    """The checks to make next, each with its three buttons, and the question whether it helped."""
    if diagnosis is None:
        return ""
    titles = {c.incident: c.title for c in diagnosis.causes}
    return render(
        "follow_up.html",
        d=diagnosis,
        titles=lambda ids: _titles(ids, titles),
        outcome=outcome,
        **texts(lang),
    )


def _titles(ids: Sequence[str], titles: Mapping[str, str]) -> str:
    return "; ".join(titles[i] for i in ids if i in titles)
