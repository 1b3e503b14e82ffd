"""Many conversations at once with faults, and the bot killed in the middle: exactly one answer each, none lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from fake_slack import APP_TOKEN, BOT_TOKEN, FakeSlack, Faults
from slack_people import ACK_WITHIN, People, own, until

QUESTIONS = (
    "loss is 0.0 and grad_norm 0.0 from the first step with axolotl",
    "vLLM 启动时报 CUDA out of memory，怎么办？",
    "torch.distributed.DistBackendError: NCCL error, watchdog timeout after 1800 seconds",
    "```\nRuntimeError: FlashAttention only supports Ampere GPUs or newer.\n```",
    "my sourdough does not rise",
)
STORM = Faults(limited=0.03, failed=0.03, lost=0.03, repeated=0.2, dropped=0.03, late=1.5)


@contextmanager
def bot_process(slack: FakeSlack, data: Path, database: Path) -> Iterator[subprocess.Popen[bytes]]:
    env = {
        **os.environ,
        "CASEBOOK_DATA": str(data),
        "CASEBOOK_DATABASE": f"sqlite:///{database}",
        "CASEBOOK_SLACK_API": slack.api,
        "CASEBOOK_SLACK_BOT_TOKEN": BOT_TOKEN,
        "CASEBOOK_SLACK_APP_TOKEN": APP_TOKEN,
        "CASEBOOK_SLACK_USER_HOURLY": "10000",
        "CASEBOOK_SLACK_CHANNEL_HOURLY": "10000",
        "CASEBOOK_SLACK_QUEUE": "1000",
        "CASEBOOK_SLACK_WORKERS": "8",
    }
    with database.with_suffix(".log").open("a") as log:
        process = subprocess.Popen([sys.executable, "-m", "app.main", "slack"], env=env, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def storm(count: int, data: Path, tmp_path: Path, seconds: float, kills: Sequence[float]) -> None:
    """`kills`: the shares of the questions that have an answer when the bot is killed, once each."""
    with FakeSlack(STORM, seed=count) as slack:
        people, asked = People(slack), []

        def answered() -> int:
            return sum(bool(own(slack, *place)) for place in asked)

        for share in kills:
            with bot_process(slack, data, tmp_path / "cases.db") as bot:
                until(lambda: slack.sockets, 60)
                asked = asked or [ask(people, number) for number in range(count)]
                until(lambda share=share: answered() >= share * count, seconds)
                bot.send_signal(signal.SIGKILL)
                bot.wait()
                assert answered() < count, "it was killed too late to tell"
        with bot_process(slack, data, tmp_path / "cases.db") as bot:
            until(lambda: answered() == count or people.lost or bot.poll() is not None, seconds)
            assert people.lost == [], people.broken[-50:]
            until(lambda: all(not m.get("streaming") for place in asked for m in own(slack, *place)), 60)
            bot.send_signal(signal.SIGTERM)
            assert bot.wait(60) == 0
        answers = [len(own(slack, *place)) for place in asked]
    assert answers == [1] * count
    assert people.lost == []
    assert slack.too_early == []
    assert sum(len(m) for m in slack.messages.values()) == 2 * count  # nothing but questions and answers
    assert max(slack.acks) < ACK_WITHIN


def ask(people: People, number: int) -> tuple[str, str]:
    """A question in a channel of several, every fourth in a direct message; where its answer belongs."""
    channel = f"D{number}" if number % 4 == 0 else f"C{number % 10}"
    act = people.say if channel[0] == "D" else people.mention
    return channel, act(channel, f"{QUESTIONS[number % len(QUESTIONS)]} ({number})", f"U{number}")["ts"]


def test_twenty_at_once_with_faults_and_a_kill(data_folder: Path, casebook, tmp_path: Path) -> None:
    storm(20, data_folder, tmp_path, 90, [0.3])


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_hundred_at_once_with_faults_and_a_kill(data_folder: Path, casebook, tmp_path: Path) -> None:
    storm(200, data_folder, tmp_path, 600, [0.2, 0.5, 0.8])
