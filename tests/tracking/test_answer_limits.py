"""A wait for the store that is short cuts off no answer of a server."""

import io
from types import SimpleNamespace

import pytest
from urllib3 import HTTPResponse

from crm_ml.tracking import answer_limits


@pytest.mark.parametrize("options", [{}, {"stream": True}])
def test_an_answer_is_read_whole_where_the_store_is_not_waited_for(options, monkeypatch):
    monkeypatch.setenv("CRM_ML_STORE_WAIT_S", "0")
    response = SimpleNamespace(raw=HTTPResponse(io.BytesIO(b"{}"), preload_content=False))
    answer_limits._limit(response, **options)
    assert b"".join(response.raw.stream()) == b"{}"
