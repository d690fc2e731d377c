"""Contact policy: how often, after what and when a customer may be contacted.

`contact_policy` holds its rules, `contact_history` says who was contacted when, `blocked_actions` which
action a rule forbids to whom, and `send_time` the best allowed hour for each customer. All of it follows from
ids and times: no model is asked, and no clock of the machine.
"""
