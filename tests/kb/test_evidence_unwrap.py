"""Lines that a terminal broke are read as one; tables and keys of equal width are left alone."""

from hypothesis import given
from hypothesis import strategies as st

from kb.evidence import Input, read
from kb.evidence.unwrap import unwrapped


def wrap(text: str, width: int) -> list[tuple[int, str]]:
    parts = [line[i : i + width] for line in text.split("\n") for i in range(0, max(len(line), 1), width)]
    return list(enumerate(parts, 1))


LONG = "[rank0]: RuntimeError: " + "a message that goes on for long, " * 10 + "and ends here"


def test_broken_lines_come_as_one_with_the_number_of_the_first() -> None:
    lines = [(1, "training"), *((n + 1, text) for n, text in wrap(LONG, 80))]
    assert list(unwrapped(lines)) == [(1, "training"), (2, LONG)]


def test_a_new_line_of_the_log_ends_a_broken_one() -> None:
    first = LONG[: 80 * 4]
    lines = [*wrap(first, 80), (5, "[rank1]: RuntimeError: another")]
    assert list(unwrapped(lines)) == [(1, first), (5, "[rank1]: RuntimeError: another")]


def test_tables_and_keys_are_no_broken_lines() -> None:
    table = [(n, f"| GPU {n} | {'x ' * 34}  |") for n in range(9)]
    key = [(n, "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQ") for n in range(9)]
    assert list(unwrapped(table)) == table
    assert list(unwrapped(key)) == key


@given(st.lists(st.text(max_size=300), max_size=30))
def test_no_text_is_lost(texts: list[str]) -> None:
    lines = list(enumerate(texts, 1))
    assert "".join(text for _, text in unwrapped(lines)) == "".join(texts)


def test_shapes_say_where_they_were_seen_and_at_which_step() -> None:
    rows = [
        {"loss": loss, "grad_norm": 0.5, "step": step} for step, loss in ((10, 2.0), (20, 1.9), (30, 0.0), (40, 0.0))
    ]
    seen = {s.name: s for s in read([Input("log", "\n".join(map(str, rows)))]).evidence.signals}
    assert seen["loss-zero-onset"].seen_in == "metric"
    assert seen["loss-zero-onset"].steps == (20.0, 30.0, 40.0)


def test_rows_of_one_length_are_not_one_broken_line() -> None:
    row = "06/12 10:01:{:02d} - mmengine - INFO - Iter(train) [{:4d}/1200]  lr: 3.1e-06  loss: 0.0000  grad_norm: 0.0"
    rows = [(number, row.format(number, 10 * number)) for number in range(1, 6)]
    assert list(unwrapped(rows)) == rows
