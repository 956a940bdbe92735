"""Money between a citizen, a gateway and a biller: collected once, posted once or given back, and always explained.

A payment has two legs, and every step of either is an honest operation of `aggregator.cases`: journaled before its
first byte, settled by looks, never repeated on hope. This room decides only what follows from what is proved, and
writes it into a ledger that balances. Source: docs/outcomes.md section 12.
"""
