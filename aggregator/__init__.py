"""The citizen service aggregator: many agencies behind one honest interface.

Rooms and who may import whom: docs/architecture.md. The rules are import contracts in pyproject.toml.
"""

__version__ = "0.1.0"
