-- What people decide, with whose names, on which evidence; and how long something has waited for them.

-- From when an intent grows stale: a person who sends it after all starts its time anew. 0: since it was made.
alter table operation add column intent_ms bigint not null default 0;
-- The intent's own end (a slot's date, a due date): after it, it is not sent for the first time.
alter table operation add column ends_ms bigint;
-- Counted absences since the last doubt began: two prove one, three where money moves.
alter table operation add column absences bigint not null default 0;
-- Since when nobody knows, and when its owner is told next.
alter table operation add column doubt_since_ms bigint;
alter table operation add column age_due_ms bigint;
-- What a citizen said when taking it back while in doubt, for the agency's own form.
alter table operation add column withdraw_sealed text not null default '';
-- When a look has to tell whether a settled one stands as we believe.
alter table operation add column audit_due_ms bigint;
create index operation_ageing on operation (age_due_ms) where age_due_ms is not null;
create index operation_audit on operation (audit_due_ms) where audit_due_ms is not null;
create index operation_of_people on operation (doubt_since_ms, id) where state = 'NEEDS_HUMAN';

-- Facts that came after the attempt they speak of, or from people. The body is sealed.
create table evidence (
  id text primary key,
  item text not null,
  at_ms bigint not null,
  source text not null,
  kind text not null,
  agency_reference text not null,
  by_code text not null,
  body_sealed text not null
);
create index evidence_by_item on evidence (item, at_ms);

-- A proposal waits for a second name; `by_code` and `second_code` are keyed codes of names, which are sealed.
create table decision (
  id text primary key,
  item text not null,
  action text not null,
  content_sha256 text not null,
  form_sealed text not null,
  state text not null,
  by_code text not null,
  by_sealed text not null,
  second_code text not null,
  second_sealed text not null,
  at_ms bigint not null,
  ended_ms bigint
);
create index decision_by_item on decision (item, at_ms);
create unique index decision_open on decision (item) where state = 'PROPOSED';

-- What else waits for people: callbacks nobody could place, money that does not match.
create table worklist_item (
  id text primary key,
  kind text not null,
  about text not null,
  case_id text not null,
  agency text not null,
  reason_code text not null,
  owner text not null,
  money bigint not null,
  since_ms bigint not null,
  age_due_ms bigint,
  closed_ms bigint
);
create unique index worklist_item_open on worklist_item (kind, about) where closed_ms is null;
create index worklist_item_ageing on worklist_item (age_due_ms) where age_due_ms is not null;
