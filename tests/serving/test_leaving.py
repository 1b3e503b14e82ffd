"""Whoever leaves the API while the model is waited for ends its work, also where no word has come yet."""

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.api import create_app
from app.casebook import Casebook
from app.pool import Pool
from app.settings import Settings
from kb.llm import Limits

PATIENT = Limits(connect=5.0, first_token=60.0, pause=60.0, total=90.0)
QUESTION = json.dumps({"text": "GRPO: loss is 0 and reward_std is 0 in every step"})


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
def test_leaving_ends_the_models_work(casebook: Casebook, served: Any, serve: Any, accept: str) -> None:
    pool = Pool()
    with served("hangs-before", PATIENT) as (server, _), serve(create_app(casebook, Settings(), pool)) as address:
        connection = http.client.HTTPConnection(address.removeprefix("http://"))
        headers = {"accept": accept, "content-type": "application/json"}
        connection.request("POST", "/v1/diagnose", QUESTION, headers)
        _until(lambda: len(server.requests) == 1)
        assert server.left == 0 and pool.in_flight == 1
        connection.close()
        _until(lambda: server.left == 1 and pool.in_flight == 0)


def _until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
