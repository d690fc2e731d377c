"""The page of the layers of a day."""
