-- Who acts for a citizen with the citizen's own code: for what, until when, under which consent. The consent says whether
-- it still holds; `assistant` is a pseudonym that only the portal can give a face.

create table assistance (
  id text primary key,
  session_id text not null unique,
  portal_id text not null,
  citizen_id text not null,
  consent_id text not null,
  by_whom text not null,
  assistant text not null,
  tasks text not null,
  minutes bigint not null,
  asked_ms bigint not null,
  until_ms bigint not null
);
create index assistance_by_citizen on assistance (citizen_id, id) where citizen_id <> '';

alter table access_record add column assistant text not null default '';
