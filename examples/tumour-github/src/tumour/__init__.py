"""Tells malignant from benign tumours by the shape of their cell nuclei."""

#: The name under which the model is served, as in mlops.yaml.
MODEL = "tumour"
