"""A bank that may call."""

import pytest
from apiflask import APIFlask

from tests.bank_parts import Bank, enter


@pytest.fixture
def bank(app: APIFlask) -> Bank:
    return enter()
