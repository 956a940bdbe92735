"""A whole city in one process and in no time: seeded clock, chance, network and disk around the real core (R2, R3)."""
