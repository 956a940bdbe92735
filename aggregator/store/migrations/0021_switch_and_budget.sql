-- An operator's halt of one agency: durable, and read in the commit that would begin a send.
create table agency_switch (
  agency text primary key,
  stopped_ms bigint not null,
  until_ms bigint,
  by_code text not null,
  reason_sealed text not null
);

-- Looks already asked of an agency, by the minute they were asked in: the hourly budget outlives a restart.
create table query_spent (
  agency text not null,
  minute bigint not null,
  asked bigint not null,
  primary key (agency, minute)
);
