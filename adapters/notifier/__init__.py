"""Notifiers carry words to citizens: a short message or an e-mail, and what became of it.

Every driver of this kind has `send`, which takes `to` (E.164 or an e-mail address), `text`, for e-mail `subject`, and
`channel` (SMS or EMAIL), and `track`: COMPLETED is delivered, REJECTED is not. The text may hold a one-time code: it is
in no trace, no error and no log.
"""
