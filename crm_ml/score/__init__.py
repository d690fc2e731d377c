"""Scoring: champions and customer tables become a list of actions that a campaign tool can load."""
