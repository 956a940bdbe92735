"""The waist: all that an adapter may import. It imports nothing else of the project."""
