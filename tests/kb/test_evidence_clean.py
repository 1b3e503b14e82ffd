"""Prefixes, colours and the language of prose."""

import pytest

from kb.evidence.clean import clean
from kb.evidence.language import language_of

CASES = [
    ("[rank3]: Traceback (most recent call last):", "Traceback (most recent call last):", 3, ""),
    ("[default2]:[rank2]: ValueError: x", "ValueError: x", 2, ""),
    ('ERROR 05-20 10:11:12 [core.py:396]   File "/a.py", line 1, in f', '  File "/a.py", line 1, in f', None, "error"),
    ("(EngineCore_0 pid=123) ERROR 05-20 10:11:12 [core.py:396] boom", "boom", None, "error"),
    ("2026-03-01T12:00:00.123456789Z stderr F {'loss': 0.0}", "{'loss': 0.0}", None, ""),
    ("vllm-1  | INFO 05-20 10:11:12 [core.py:396] ok", "ok", None, "info"),
    ("[2024-03-01 12:00:00,123] [INFO] [logging.py:96:log_dist] [Rank 0] step=10", "step=10", 0, "info"),
    ("[rank1]:[E520 12:00:00.123 ProcessGroupNCCL.cpp:523] [Rank 1] Watchdog", "Watchdog", 1, "error"),
    ("\x1b[36m(WorkerDict pid=1, ip=10.0.0.1)\x1b[0m step:1", "step:1", None, ""),
    ("[36m(main_task pid=1)[0m step:1", "step:1", None, ""),
    ("ERROR: No matching distribution found", "ERROR: No matching distribution found", None, "error"),
    ("[INFO|trainer.py:1] 2024-05-01 12:00:00,123 >> ***** Running *****", "***** Running *****", None, "info"),
    ("Mar  1 12:00:00 host kernel: [1.234567] Out of memory: Killed", "Out of memory: Killed", None, ""),
    ("2024-03-01 12:00:00.123 | ERROR    | a.b:f:12 - boom", "boom", None, "error"),
    ('time=2025-03-02T10:11:14 level=WARN msg="x"', 'time=2025-03-02T10:11:14 level=WARN msg="x"', None, ""),
    ("    raise ValueError('x')", "    raise ValueError('x')", None, ""),
    ("Jun 02 21:14:41 llm01 python3[1188]:   File", "  File", None, ""),
    ("[1,mpirank:3,algo-1]<stderr>:Traceback (most", "Traceback (most", 3, ""),
    ("[2025-08-12 03:03:15 TP0 PP1]   File", "  File", None, ""),
    ("2025-06-10 09:12:44,001 - a.b - ERROR -   File", "  File", None, "error"),
    ("    | httpx.ConnectError: refused", "httpx.ConnectError: refused", None, ""),
    ('{"log":"  File \\"a\\"\\n","stream":"stderr"}', '  File "a"', None, ""),
    ("File &quot;a&quot;, line&nbsp;3", 'File "a", line 3', None, ""),
]


@pytest.mark.parametrize(("raw", "text", "rank", "level"), CASES)
def test_clean(raw: str, text: str, rank: int | None, level: str) -> None:
    assert clean(raw)[:3] == (text, rank, level)


@pytest.mark.parametrize(
    ("prose", "language"),
    [
        ("我的训练卡住了", "zh"),
        ("qwen2.5 lora 微调 loss 为 0 deepspeed zero3", "zh"),
        ("my loss is 0 with 通义千问 from the first step", "en"),
        ("the model prints “你好你好你好” when I ask it", "en"),
        ("学習が止まりました。どうすればいいですか", "en"),
        ("", None),
        ("1.0 2.0 ---", None),
    ],
)
def test_language(prose: str, language: str | None) -> None:
    assert language_of(prose) == language
