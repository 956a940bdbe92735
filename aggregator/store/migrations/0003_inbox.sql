-- What agencies push: stored before it is answered, counted once, kept for people when it cannot be placed.

create table inbox (
  id text primary key,
  agency text not null,
  event_key text not null,
  received_ms bigint not null,
  state text not null,
  why text not null,
  path_sealed text not null,
  headers_sealed text not null,
  body_sealed text not null,
  body_sha256 text not null,
  reference text not null,
  agency_reference text not null,
  awaited text not null,
  operation_id text not null,
  tries bigint not null,
  next_ms bigint not null
);
create unique index inbox_once on inbox (agency, event_key);
create index inbox_due on inbox (state, next_ms);
create index inbox_awaited on inbox (agency, awaited) where awaited <> '';
