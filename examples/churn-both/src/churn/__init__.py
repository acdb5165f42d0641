"""Sorts the rows of customers.csv into two classes."""

#: The name under which the model is served, as in mlops.yaml.
MODEL = "churn"
