"""Versions of the model, aliases that name one of them, and the log of what was asked."""
