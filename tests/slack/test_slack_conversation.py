"""Conversations from the first message to feedback, against the fake Slack."""

from slack_people import own, text_of, until

LOG = """```
{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 4e-07, 'epoch': 0.01}
{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 8e-07, 'epoch': 0.02}
```"""
QUESTION = f"fine-tuning with axolotl, loss is 0 from the first step\n{LOG}"


def test_a_mention_is_answered_once_in_its_thread(slack_bot):
    slack, people, bot = slack_bot()
    message = people.mention("C1", QUESTION)
    until(lambda: own(slack, "C1", message["ts"]))
    until(lambda: bot.state.counts() == {"done": 1})
    (answer,) = own(slack, "C1", message["ts"])
    assert "label" in text_of(answer).lower()
    assert max(slack.acks) < 3
    print(text_of(answer))
