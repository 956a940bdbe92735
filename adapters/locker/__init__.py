"""Lockers hold documents that an authority issued: a citizen names one instead of sending a copy of it.

Every driver of this kind has `document`. The order's form says which paper, by `uri` or by `document_type` and
`number`, and whose it is: `locker_id`, and as second factors `full_name` and `date_of_birth` (ISO). One agency is one
issuer: the option `issuer` is what its URIs begin with, `document_types` are the papers it can be asked for by number.
"""
