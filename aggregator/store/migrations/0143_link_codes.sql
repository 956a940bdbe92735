-- An agency's own code as the proof of a link. The code itself is never here: only which sending it belongs to, sealed,
-- and how often it was asked for and tried. One row for a citizen and a record: that is what pauses are counted by.

create table link_code (
  citizen_id text not null,
  identifier_index text not null,
  id text not null,
  session_id text not null,
  state text not null,
  handle_sealed text not null,
  sent_to_sealed text not null,
  tries bigint not null,
  most_tries bigint not null,
  sends bigint not null,
  next_send_ms bigint not null,
  until_ms bigint not null,
  first_ms bigint not null,
  primary key (citizen_id, identifier_index)
);
create index link_code_by_age on link_code (next_send_ms);
