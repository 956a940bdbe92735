"""What a client of the API can be allowed at all: a route names one right, a kind of client bounds what it can hold."""

SCOPES = frozenset({
    "services.read", "cases.read", "cases.write", "track.read", "citizens.read", "payments.read", "payments.write",
    "feeds.read", "operations.read", "operations.write", "audit.read",
    "sessions.write", "citizens.write", "links.read", "links.write", "documents.read", "documents.write",
    "consents.read", "consents.write", "assistance.write", "nominees.write",
})  # fmt: skip
"""Every right a portal can have; each route names one."""

ON_REQUEST = frozenset({"operations.write", "assistance.write", "nominees.write"})
"""Rights nobody gets without asking for by name: to decide or act for others, stop an agency, let a nominee act."""

CITIZEN_SCOPES = frozenset({
    "services.read", "cases.read", "cases.write", "track.read", "citizens.read", "payments.read",
    "sessions.write", "citizens.write", "links.read", "links.write", "documents.read", "documents.write",
    "consents.read", "consents.write",
})  # fmt: skip
"""The rights a citizen's token can carry, as far as its portal has them. A right not listed here is no citizen's."""

KINDS = {
    "PORTAL": SCOPES,
    "KIOSK": SCOPES
    - {name for name in SCOPES if name.startswith(("operations.", "feeds.", "audit.", "assistance.", "nominees."))},
    "COUNTER": frozenset(
        {
            "services.read",
            "track.read",
            "cases.read",
            "cases.write",
            "citizens.read",
            "payments.read",
            "links.read",
            "links.write",
            "documents.read",
            "documents.write",
            "assistance.write",
        }
    ),
    "OPERATOR": frozenset(
        name for name in SCOPES if name.startswith(("operations.", "feeds.", "audit.", "services.", "nominees."))
    ),
    "CENTRE": frozenset({"services.read", "feeds.read", "operations.read"}),
}
"""The most a client of each kind may ever hold: nobody in operations logs citizens in, no counter ever has more than
what a citizen's code gave it."""
