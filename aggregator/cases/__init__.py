"""What a citizen starts and tracks: cases, their legs, the operations on agencies, and the events between them."""
