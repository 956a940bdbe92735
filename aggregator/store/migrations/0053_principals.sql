-- What kind of client a portal is, whether its tokens must be bound to a key or certificate, and whose log-in it brings.

alter table portal add column kind text not null default 'PORTAL';
alter table portal add column bound bigint not null default 0;

create table portal_issuer (
  portal_id text not null,
  issuer text not null,
  keys text not null,
  created_ms bigint not null,
  primary key (portal_id, issuer)
);
