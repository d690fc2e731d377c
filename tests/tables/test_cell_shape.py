"""The shape of a cell says its form and nothing of its content."""

import pytest

from crm_ml.tables.cell_shape import shape_of


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("1,234.56", "9,999.99"),
        ("-$12.50", "-$99.99"),
        ("jane.Doe@example.com", "aaaa.Aaa@aaaaaaa.aaa"),
        ("張三丰 Straße", "字字字 Aaaaaa"),
        ("\uffe5\uff11\uff0c\uff10", "\uffe5\uff19\uff0c\uff19"),
        ("٣½Ⅳ", "999"),
        ("a\x00b\n\u200bc\u0301", "a\u00b7a\u00b7\u00b7a\u00b7"),
        ("1" * 24, "9" * 24),
        ("1" * 25, "9" * 24 + "…"),
        ("", ""),
    ],
)
def test_shape(text: str, shape: str) -> None:
    assert shape_of(text) == shape
