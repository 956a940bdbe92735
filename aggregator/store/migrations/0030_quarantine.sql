-- Sends are counted as events are; a database that counted fewer than its watermark has been rolled back.
insert into event_counter (name, last) values ('send', 0);

-- A time in which nothing is sent to an agency until what was possibly sent there is settled.
create table quarantine (
  id bigint primary key,
  reason text not null,
  since_ms bigint not null,
  swept_ms bigint,
  ended_ms bigint
);

create table quarantine_left (
  quarantine_id bigint not null,
  agency text not null,
  left_ms bigint not null,
  primary key (quarantine_id, agency)
);
