-- Sessions and their one-time codes. A code is here only as a keyed hash bound to session and device; a refresh
-- credential only as SHA-256. `tries` is raised before anything is compared.

create table session (
  id text primary key,
  portal_id text not null,
  purpose text not null,
  state text not null,
  citizen_id text not null,
  device_index text not null,
  channel text not null,
  target_index text not null,
  target_sealed text not null,
  draft_sealed text not null,
  language text not null,
  code_hash text not null,
  code_until_ms bigint not null,
  tries bigint not null,
  sends bigint not null,
  next_send_ms bigint not null,
  delivery text not null,
  created_ms bigint not null,
  verified_ms bigint not null,
  expires_ms bigint not null
);
create index session_by_citizen on session (citizen_id, state) where citizen_id <> '';
create index session_by_age on session (expires_ms);

create table session_refresh (
  hash text primary key,
  session_id text not null,
  created_ms bigint not null,
  used_ms bigint
);
create index session_refresh_by_session on session_refresh (session_id);

create table code_send (
  id text primary key,
  target_index text not null,
  address_index text not null,
  portal_id text not null,
  at_ms bigint not null
);
create index code_send_by_target on code_send (target_index, at_ms);
create index code_send_by_address on code_send (address_index, at_ms);
create index code_send_by_portal on code_send (portal_id, at_ms);
create index code_send_by_time on code_send (at_ms);

create table code_turn (
  name text primary key,
  turns bigint not null
);
