-- What the gateway settled and the biller's file does not show, although the biller confirmed it: looked for at the
-- biller before a person is asked. One round per posting that was believed; the looks themselves are in table look.

create table posting_check (
  payment_id text not null,
  round bigint not null,
  operation_id text not null,
  state text not null,
  asked bigint not null,
  answered bigint not null,
  absent bigint not null,
  due_ms bigint not null,
  opened_ms bigint not null,
  closed_ms bigint,
  primary key (payment_id, round)
);
create index posting_check_due on posting_check (due_ms) where closed_ms is null;
