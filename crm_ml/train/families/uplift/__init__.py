"""The experiment of uplift."""
