-- Records that may be one person. A person decides, never a program; nothing here says why they look alike but a word.

create table citizen_duplicate (
  id text primary key,
  older_id text not null,
  newer_id text not null,
  why text not null,
  score bigint not null,
  state text not null,
  found_ms bigint not null,
  decided_ms bigint,
  decided_by text not null,
  note text not null
);
create unique index citizen_duplicate_once on citizen_duplicate (older_id, newer_id);
create index citizen_duplicate_open on citizen_duplicate (state, id);

create table citizen_merge (
  id text primary key,
  into_id text not null,
  from_id text not null,
  at_ms bigint not null,
  by_whom text not null,
  undone_ms bigint,
  from_sealed text not null
);
create index citizen_merge_by_from on citizen_merge (from_id, id);
