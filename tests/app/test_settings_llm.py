"""The settings of a served model: forgiving of addresses, strict about nonsense."""

import pytest

from app.settings import Settings, load_settings
from app.writer import open_model
from kb.errors import InputError


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://gpu:8000", "http://gpu:8000/v1"),
        ("http://gpu:8000/", "http://gpu:8000/v1"),
        ("http://gpu:8000/v1/", "http://gpu:8000/v1"),
        ("https://gateway/qwen/v1", "https://gateway/qwen/v1"),
    ],
)
def test_an_address_without_a_path_means_v1(given: str, used: str) -> None:
    assert Settings(llm=given).llm == used


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CASEBOOK_LLM", "gpu:8000"),
        ("CASEBOOK_LLM_TIMEOUT", "0"),
        ("CASEBOOK_LLM_CONTEXT", "5"),
        ("CASEBOOK_LLM_TOKENS", "x"),
    ],
)
def test_nonsense_is_an_error_that_names_the_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=name):
        load_settings()


def test_the_model_is_opened_as_set_and_not_at_all_without_an_address() -> None:
    assert open_model(Settings(llm=None)) is None
    model = open_model(Settings(llm="http://gpu:8000", llm_model="qwen", llm_thinking=True, llm_timeout=7))
    assert model is not None
    assert (model.config.url, model.name, model.config.thinking) == ("http://gpu:8000/v1", "qwen", True)
    assert model.config.limits.total == 7
