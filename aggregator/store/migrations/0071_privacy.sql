-- What a citizen allowed whom, who looked at what, and who asked to be forgotten. No personal data in any column.

create table consent (
  id text primary key,
  citizen_id text not null,
  purpose text not null,
  agency text not null,
  portal_id text not null,
  session_id text not null,
  given_ms bigint not null,
  until_ms bigint not null,
  withdrawn_ms bigint
);
create index consent_by_citizen on consent (citizen_id, id);

create table access_record (
  id text primary key,
  citizen_id text not null,
  at_ms bigint not null,
  portal_id text not null,
  by_whom text not null,
  what text not null,
  purpose text not null,
  agency text not null,
  consent_id text not null
);
create index access_record_by_citizen on access_record (citizen_id, id);
create index access_record_by_time on access_record (at_ms);

create table erasure (
  citizen_id text primary key,
  asked_ms bigint not null,
  due_ms bigint not null,
  state text not null
);
create index erasure_due on erasure (state, due_ms);
