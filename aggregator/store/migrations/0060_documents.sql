-- Documents of citizens: what is known of one, its bytes in sealed parts, and the cases that hold on to it.
-- `content` names the bytes: the same owner's same file is kept once. Names and fingerprints are sealed: they tell of people.

create table document (
  id text primary key,
  portal_id text not null,
  citizen_id text not null,
  content text not null,
  digest_index text not null,
  sha256_sealed text not null,
  name_sealed text not null,
  media_type text not null,
  size_bytes bigint not null,
  received_bytes bigint not null,
  state text not null,
  reason text not null,
  source text not null,
  created_ms bigint not null,
  expires_ms bigint,
  checks bigint not null,
  next_check_ms bigint not null
);
create index document_by_owner on document (portal_id, citizen_id, id);
create index document_by_digest on document (digest_index);
create index document_by_content on document (content);
create index document_waiting on document (state, next_check_ms);
create index document_expiring on document (expires_ms);

create table document_part (
  content text not null,
  at_byte bigint not null,
  size_bytes bigint not null,
  sealed text not null,
  primary key (content, at_byte)
);

create table case_document (
  case_id text not null,
  field text not null,
  document_id text not null,
  primary key (case_id, field)
);
create index case_document_by_document on case_document (document_id);
