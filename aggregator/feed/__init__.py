"""One append-only log; the timeline, the operations feed and everything pushed are readings of it."""
