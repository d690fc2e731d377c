"""Realised scores: score tables of published lists joined to the labels that have come true."""
