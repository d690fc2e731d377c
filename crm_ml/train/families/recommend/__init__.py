"""The experiment of recommend."""
