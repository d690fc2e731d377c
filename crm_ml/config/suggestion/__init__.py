"""Configs that fit the reach and rhythm of tables; one module a family, with ``suggest``."""
