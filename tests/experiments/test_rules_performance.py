"""experiments/performance/rules.py: every case runs, and what takes too long is told."""

import pytest
import scripts


@pytest.mark.slow
def test_every_case_runs_and_given_up_ones_are_told(monkeypatch, tmp_path):
    script = scripts.load("performance/rules.py", monkeypatch)
    monkeypatch.setattr(script, "CUSTOMERS", 50)
    for shape in script.SHAPES:
        assert script.seconds_of(shape, 12) > 0
    asked = []
    monkeypatch.setattr(script, "_measured", lambda _, n, __: asked.append(n) or (1.5 if n < 80 else None))
    figures = {shape: script._of_sizes(shape, script.SIZES, 1) for shape in script.SHAPES}
    assert asked == [10, 80] * len(script.SHAPES)
    readme = tmp_path / "README.md"
    readme.write_text("<!-- rules -->\n<!-- end of rules -->\n", encoding="utf-8")
    script._report(readme, "now", figures)
    assert "| 10 | 1.50 |" in readme.read_text(encoding="utf-8")
    assert "| 1,000 | given up |" in readme.read_text(encoding="utf-8")
