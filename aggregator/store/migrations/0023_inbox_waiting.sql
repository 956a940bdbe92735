-- What an agency pushed and nobody has placed yet: counted at the door, tried again when the agency answers something.
create index inbox_waiting on inbox (agency, state) where state in ('NEW', 'ORPHAN');
