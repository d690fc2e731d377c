"""Models, learners, feature groups and losses of a made-up company, outside of crm_ml."""
