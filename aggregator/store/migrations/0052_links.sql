-- A link: this citizen is that record at that agency. The identifiers are sealed; `identifier_index` is a blind index.

create table link (
  id text primary key,
  citizen_id text not null,
  agency text not null,
  service_id text not null,
  kind text not null,
  exclusive bigint not null,
  identifier_index text not null,
  form_sealed text not null,
  shown_sealed text not null,
  state text not null,
  portal_id text not null,
  created_ms bigint not null,
  verified_ms bigint,
  revoked_ms bigint
);
create unique index link_of_citizen on link (citizen_id, identifier_index) where state <> 'REVOKED';
create unique index link_exclusive on link (identifier_index) where exclusive = 1 and state = 'VERIFIED';
create index link_by_citizen on link (citizen_id, id);
