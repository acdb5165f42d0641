"""The steps of a machine-learning pipeline: one implementation behind every door."""
