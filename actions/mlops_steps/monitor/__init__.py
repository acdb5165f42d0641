"""The step monitor."""
