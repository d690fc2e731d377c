"""Contact policy: how often, after what and when a customer may be contacted.

`settings` are its rules, `history` who was contacted when, `blocked` which offerings a rule forbids to whom,
and `send_time` the best allowed hour for each customer. Only ids and integers meet here: no model, no clock.
"""
