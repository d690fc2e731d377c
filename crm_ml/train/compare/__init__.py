"""Test rows of runs as they are logged, joined and judged in pairs."""
