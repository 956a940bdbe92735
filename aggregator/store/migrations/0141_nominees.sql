-- Whom a citizen named to exercise their rights after death or in incapacity, who asked to do so, and what citizens have
-- to be told of it. Names, numbers and evidence are sealed under the key of the citizen whom they are about.

create table nomination (
  id text primary key,
  citizen_id text not null,
  nominee_id text not null,
  nominee_sealed text not null,
  mobile_index text not null,
  state text not null,
  portal_id text not null,
  named_ms bigint not null,
  until_ms bigint not null,
  answered_ms bigint,
  ended_ms bigint
);
create index nomination_by_citizen on nomination (citizen_id, id);
create index nomination_by_mobile on nomination (mobile_index) where mobile_index <> '';
create index nomination_by_nominee on nomination (nominee_id) where nominee_id <> '';

create table nominee_claim (
  id text primary key,
  nomination_id text not null,
  citizen_id text not null,
  nominee_id text not null,
  portal_id text not null,
  why text not null,
  certificate text not null,
  evidence_sealed text not null,
  state text not null,
  asked_ms bigint not null,
  decided_ms bigint,
  from_ms bigint not null,
  until_ms bigint not null,
  consent_id text not null,
  first_client text not null,
  note_sealed text not null
);
create unique index nominee_claim_open on nominee_claim (nomination_id) where state in ('ASKED', 'GRANTED');
create index nominee_claim_by_citizen on nominee_claim (citizen_id, id);
create index nominee_claim_by_state on nominee_claim (state, id);

create table citizen_notice (
  id text primary key,
  citizen_id text not null,
  what text not null,
  about text not null,
  at_ms bigint not null,
  taken_ms bigint not null,
  done_ms bigint
);
create index citizen_notice_due on citizen_notice (taken_ms) where done_ms is null;
create index citizen_notice_by_citizen on citizen_notice (citizen_id, id);
