"""The step comment."""
