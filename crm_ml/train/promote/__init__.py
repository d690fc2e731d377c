"""Champion and challenger: the gate that a new model passes, and the aliases that say who is who."""
