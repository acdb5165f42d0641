"""Tells which digit was written by hand, from 8 x 8 shades of grey."""

#: The name under which the model is served, as in mlops.yaml.
MODEL = "digits"
