"""General mutation of four modules (figure R3); why with a mutator of our own: docs/decisions/102."""
