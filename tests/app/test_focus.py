"""Of a long text the sentences about the problem are searched by; chatter around it does not move the diagnosis."""

from app.casebook import Casebook
from app.diagnosis import Request
from app.focus import beside, focus
from kb.evidence import Input, read

PROBLEM = "GRPO: loss stays at 0.0 from the first step, and reward_std is 0 at every step."
AROUND = (
    "I am a violinist and got into this during the tour, my cousin lent me his office computer.",
    "The rehearsal is on Friday and the conductor keeps asking me about it.",
    "On Sunday we had cake and looked at it together for three hours.",
    "My neighbour said that I should write to you because you know everything.",
    "The computer stands next to the piano, the cat likes the warm air.",
    "Please write slowly, I read my mail only in the hotel in the evening.",
)
LETTER = "\n\n".join([*AROUND[:3], PROBLEM, *AROUND[3:]])


def test_a_letter_is_diagnosed_as_its_problem_alone(casebook: Casebook) -> None:
    alone = casebook.diagnose(Request(text=PROBLEM))
    letter = casebook.diagnose(Request(text=LETTER))
    assert letter.verdict == alone.verdict
    assert letter.causes[0].incident == alone.causes[0].incident


def test_what_is_said_of_the_problem_stays_and_most_else_goes(casebook: Casebook) -> None:
    kept = focus(read([Input("text", LETTER)]), casebook._retriever)
    assert PROBLEM in kept.prose
    assert sum(sentence in kept.prose for sentence in AROUND) <= 1


def test_a_short_question_is_searched_by_as_it_is(casebook: Casebook) -> None:
    reading = read([Input("text", "My cat likes it.\nvLLM hangs.")])
    assert focus(reading, casebook._retriever) is reading


def test_something_is_always_left() -> None:
    assert beside([9.0, 9.0, 9.0]) == [False, False, False]
    assert beside([9.0, -9.0, 9.0, 9.0])[1] is False
