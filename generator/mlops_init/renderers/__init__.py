"""From the neutral description, and from the declarations of the steps, to files."""
