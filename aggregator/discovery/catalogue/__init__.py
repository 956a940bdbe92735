"""The catalogue: every service and complaint type of the city as facts, each with where it was read.

Facts come from `catalogue/facts`; what can be done online comes from the registry; `compose` makes them one.
"""
