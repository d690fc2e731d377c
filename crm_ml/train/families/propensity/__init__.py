"""The experiment of propensity."""
