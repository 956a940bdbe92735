-- Clients of the API. A secret is 256 random bits; only its SHA-256 is here, so a stolen table opens nothing.

create table portal (
  id text primary key,
  name text not null,
  contact text not null,
  sector text not null,
  scopes text not null,
  origins text not null,
  per_minute bigint not null,
  created_ms bigint not null,
  revoked_ms bigint
);

create table portal_key (
  id text primary key,
  portal_id text not null,
  secret_sha256 text not null,
  created_ms bigint not null,
  revoked_ms bigint
);
create index portal_key_by_portal on portal_key (portal_id);
