"""{{ dataset.about }}"""

#: The name under which the model is served, as in mlops.yaml.
MODEL = "{{ cookiecutter.model }}"
