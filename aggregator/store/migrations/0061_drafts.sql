-- Forms begun and not sent. All that was typed is sealed; nothing of it is an application, and it goes by itself.

create table draft (
  id text primary key,
  portal_id text not null,
  citizen_id text not null,
  service_id text not null,
  version bigint not null,
  body_sealed text not null,
  created_ms bigint not null,
  updated_ms bigint not null,
  expires_ms bigint not null
);
create index draft_by_owner on draft (portal_id, citizen_id, service_id, id);
create index draft_expiring on draft (expires_ms);
