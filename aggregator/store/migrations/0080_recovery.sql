-- After a restore: from when the database remembers nothing, what agencies hold that it has forgotten, whom we have asked.

alter table quarantine add column remembers_ms bigint not null default 0;

create table agency_listed (
  quarantine_id bigint not null,
  agency text not null,
  records bigint not null,
  forgotten bigint not null,
  outcome text not null,
  tries bigint not null,
  next_ms bigint,
  primary key (quarantine_id, agency)
);

-- `case_id` is empty until a citizen brings the receipt or repeats the wish. No personal data in any column.
create table forgotten (
  id text primary key,
  agency text not null,
  name text not null,
  reference text not null,
  agency_reference text not null,
  service text not null,
  agency_code text not null,
  at_ms bigint,
  found_ms bigint not null,
  case_id text not null
);
create unique index forgotten_once on forgotten (agency, name, reference, agency_reference);
