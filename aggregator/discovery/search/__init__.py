"""Search: a service is found by people who do not know its name, in the script and spelling they have.

`items.py` takes the catalogue's entries and the editors' lexicon; `answer.py` answers; `live.py` follows both files.
Nothing here knows a database or the network, so every engine and every worker gives the same answer.
"""
