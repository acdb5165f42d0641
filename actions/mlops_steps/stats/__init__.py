"""Figures with intervals that keep their promise on small tables."""
