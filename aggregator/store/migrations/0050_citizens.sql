-- Citizens. `id` is the internal id and never leaves this database; what others get stands in citizen_pairwise.
-- Columns named *_sealed hold vault text bound to (citizen, table, row, column); *_index are keyed blind indexes.

create table citizen (
  id text primary key,
  number_index text not null,
  number_sealed text not null,
  profile_sealed text not null,
  mobile_index text not null,
  email_index text not null,
  username_index text not null,
  born_index text not null,
  password text not null,
  state text not null,
  merged_into text not null,
  portal_id text not null,
  version bigint not null,
  hold_until_ms bigint not null,
  created_ms bigint not null,
  updated_ms bigint not null
);
create unique index citizen_by_number on citizen (number_index);
create unique index citizen_by_mobile on citizen (mobile_index) where mobile_index <> '';
create unique index citizen_by_email on citizen (email_index) where email_index <> '';
create unique index citizen_by_username on citizen (username_index) where username_index <> '';
create index citizen_by_born on citizen (born_index) where born_index <> '';
create index citizen_by_portal on citizen (portal_id, id);
create index citizen_merged on citizen (merged_into) where merged_into <> '';

create table citizen_pairwise (
  pairwise_id text primary key,
  sector text not null,
  citizen_id text not null,
  created_ms bigint not null
);
create index citizen_pairwise_by_citizen on citizen_pairwise (citizen_id, sector);

create table citizen_change (
  id text primary key,
  citizen_id text not null,
  at_ms bigint not null,
  what text not null,
  fields text not null,
  portal_id text not null,
  session_id text not null,
  before_sealed text not null
);
create index citizen_change_by_citizen on citizen_change (citizen_id, id);

create table citizen_login (
  issuer text not null,
  subject_index text not null,
  citizen_id text not null,
  created_ms bigint not null,
  primary key (issuer, subject_index)
);
