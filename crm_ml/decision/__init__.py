"""Decision: which action is open to a customer, what it is worth, who is held out, explored, allocated."""
