"""Score tables of published lists whose label windows have ended, and what came true of their scores."""
