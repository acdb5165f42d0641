"""The step lint."""
