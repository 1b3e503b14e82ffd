"""The application keeps to its own OpenAPI description, whatever is sent."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from app.api import create_app
from app.casebook import Casebook
from app.settings import Settings

EXAMPLES = 12  # of each operation
# That an empty question is refused, and a filter by version needs its component, is not in the schema.
NOT_MEANT = [schemathesis.checks.positive_data_acceptance]


@pytest.fixture(scope="module")
def described(casebook: Casebook, serve: Any) -> Iterator[schemathesis.BaseSchema]:
    """The schema of an application over the built-in base."""
    with serve(create_app(casebook, Settings(rate="1000000/minute"))) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_every_operation_answers_as_described(
    described: schemathesis.BaseSchema, mode: schemathesis.GenerationMode
) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:
        takes = operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody")
        if mode.is_negative and not takes:
            continue

        @BOUNDED
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(excluded_checks=NOT_MEANT)

        check()
