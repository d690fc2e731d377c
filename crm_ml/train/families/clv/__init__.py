"""The experiment of clv."""
