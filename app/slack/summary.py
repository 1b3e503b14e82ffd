"""What the people who are called get to read: who asks, what, and how far it came."""

from collections.abc import Sequence

from app.casefile import SavedCase
from app.slack.blocks import headline
from app.slack.mrkdwn import escape
from app.slack.words import word
from kb.types import Lang

MAX_QUESTION = 500  # characters


def summary(saved: SavedCase | None, asker: str, helpers: Sequence[str], lang: Lang) -> str:
    """The text in mrkdwn; without a case only the call."""
    lines = [word("pinged", lang, people=", ".join(map(mention, helpers)), who=mention(asker))]
    if saved is None:
        return lines[0]
    diagnosis = saved.diagnosis
    question = saved.turns[0].question or (saved.turns[0].inputs[0].text if saved.turns[0].inputs else "")
    lines.append(word("pinged_question", lang, question=escape(question[:MAX_QUESTION])))
    lines.append(word("pinged_so_far", lang, headline=headline(diagnosis)))
    lines += [f"• {escape(c.title)} ({round(c.confidence * 100)} %) `{c.incident}`" for c in diagnosis.causes[:3]]
    answered = [f"{a.check}: {word(a.value, lang)}" for turn in saved.turns for a in turn.answers]
    if answered:
        lines.append(word("pinged_checks", lang, checks=escape("; ".join(answered))[:600]))
    return "\n".join(lines)[:2900]


def mention(id: str) -> str:
    """A ping of a user or of a user group."""
    return f"<!subteam^{id}>" if id.startswith("S") else f"<@{id}>"
