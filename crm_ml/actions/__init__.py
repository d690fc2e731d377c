"""Actions: what may be done to a customer, at what cost, with which consent, and how often."""
