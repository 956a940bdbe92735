-- Cases, legs, operations, attempts, readings, events. Times are epoch milliseconds, flags 0 or 1.
-- Columns named *_sealed hold vault text bound to (table, id, column); nothing else here may hold personal data.

create table setting (
  name text primary key,
  value text not null
);

create table worker (
  id text primary key,
  epoch bigint not null,
  started_ms bigint not null,
  seen_dead_ms bigint
);

create table cases (
  id text primary key,
  number text not null,
  portal_id text not null,
  citizen_id text not null,
  service_id text not null,
  kind text not null,
  channel text not null,
  source_ref text not null,
  livemode bigint not null,
  form_sealed text not null,
  status text not null,
  reason_code text not null,
  text_key text not null,
  text_args text not null,
  since_ms bigint not null,
  as_of_ms bigint not null,
  next_check_ms bigint,
  settled bigint not null,
  version bigint not null,
  created_ms bigint not null,
  updated_ms bigint not null
);
create unique index cases_by_number on cases (number);
create index cases_by_portal on cases (portal_id, id);
create index cases_by_citizen on cases (portal_id, citizen_id, id);

create table idempotency (
  portal_id text not null,
  citizen_id text not null,
  method text not null,
  route text not null,
  key text not null,
  fingerprint text not null,
  case_id text not null,
  created_ms bigint not null,
  answer_due_ms bigint not null,
  status bigint,
  headers text,
  body_sealed text,
  primary key (portal_id, citizen_id, method, route, key)
);

create table leg (
  id text primary key,
  case_id text not null,
  position bigint not null,
  agency text not null,
  status text not null,
  detail text not null,
  reason_code text not null,
  text_key text not null,
  text_args text not null,
  effect text not null,
  agency_reference text not null,
  agency_code text not null,
  agency_text_sealed text not null,
  facts_sealed text not null,
  source text not null,
  flagged bigint not null,
  as_of_ms bigint not null,
  checked_ms bigint,
  next_try_ms bigint,
  poll_due_ms bigint,
  polls bigint not null,
  settled bigint not null
);
create index leg_by_case on leg (case_id, position);
create index leg_by_poll on leg (poll_due_ms);

create table operation (
  id text primary key,
  leg_id text not null,
  case_id text not null,
  agency text not null,
  name text not null,
  class text not null,
  service text not null,
  reference text not null,
  state text not null,
  attempt bigint not null,
  sends bigint not null,
  holds bigint not null,
  doubtful bigint not null,
  epoch bigint not null,
  worker text not null,
  owner text not null,
  reason_code text not null,
  citizen_text_key text not null,
  next_action_ms bigint not null,
  first_sent_ms bigint,
  ended_ms bigint,
  looks bigint not null,
  absent_ms bigint,
  withdraw bigint not null,
  agency_reference text not null,
  created_ms bigint not null,
  updated_ms bigint not null
);
create index operation_due on operation (state, next_action_ms);
create index operation_by_leg on operation (leg_id, id);
create index operation_withdrawn on operation (state) where withdraw = 1;
create unique index operation_by_reference on operation (agency, name, reference);
create unique index operation_by_agency_reference on operation (agency, name, agency_reference) where agency_reference <> '';

create table attempt (
  operation_id text not null,
  n bigint not null,
  worker text not null,
  epoch bigint not null,
  started_ms bigint not null,
  ended_ms bigint,
  request_sha256 text not null,
  request_sealed text not null,
  sent text not null,
  answered bigint not null,
  outcome text not null,
  why text not null,
  driver_version text not null,
  reply_status bigint,
  reply_sealed text not null,
  primary key (operation_id, n)
);

create table look (
  operation_id text not null,
  n bigint not null,
  at_ms bigint not null,
  result text not null,
  counted bigint not null,
  control text not null,
  matches bigint not null,
  primary key (operation_id, n)
);

create table reading (
  id text primary key,
  leg_id text not null,
  dedupe text not null,
  status text not null,
  detail text not null,
  agency_code text not null,
  at_ms bigint,
  polled_ms bigint not null,
  remark_sealed text not null,
  facts_sealed text not null
);
create unique index reading_once on reading (leg_id, dedupe);

create table event_counter (
  name text primary key,
  last bigint not null
);
insert into event_counter (name, last) values ('event', 0);

create table event (
  seq bigint primary key,
  id text not null,
  type text not null,
  case_id text not null,
  agency text not null,
  at_ms bigint not null,
  body text not null
);
create index event_by_case on event (case_id, seq);
