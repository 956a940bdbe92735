-- The audit log: hashes of every event in order, in tiles, and the signed roots that were given out.

create table audit_tile (
  level bigint not null,
  number bigint not null,
  hashes text not null,
  primary key (level, number)
);

create table audit_head (
  only_row bigint primary key,
  size bigint not null,
  last_seq bigint not null
);
insert into audit_head (only_row, size, last_seq) values (1, 0, 0);

-- Event numbers run on without gaps but for a restore; only the first of each run is here.
create table audit_run (
  seq bigint primary key,
  leaf bigint not null
);

create table audit_checkpoint (
  size bigint primary key,
  root text not null,
  at_ms bigint not null,
  signed text not null
);
