"""The step gate."""
