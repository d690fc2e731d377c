"""A family of a company's own: how probable it is that the next order is sent back."""
