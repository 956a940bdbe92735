-- Money that passes through the city's hands. Amounts are integer paise, times epoch milliseconds, flags 0 or 1.
-- account_index is a keyed blind index: the consumer number itself is only in the sealed form of the case.

create table payment (
  id text primary key,
  case_id text not null,
  portal_id text not null,
  citizen_id text not null,
  agency text not null,
  gateway text not null,
  account_index text not null,
  bill_key text not null,
  amount_paise bigint not null,
  bill_as_of_ms bigint not null,
  order_id text not null,
  post_id text not null,
  refund_id text not null,
  phase text not null,
  reason_code text not null,
  owner text not null,
  word text not null,
  bank_reference text not null,
  gateway_payment text not null,
  pay_url text not null,
  return_url text not null,
  asked bigint not null,
  misses bigint not null,
  missed_ms bigint,
  disagreed bigint not null,
  late bigint not null,
  refund_wanted bigint not null,
  warned bigint not null,
  seen text not null,
  next_action_ms bigint not null,
  expires_ms bigint not null,
  collected_ms bigint,
  matched_ms bigint,
  closed_ms bigint,
  created_ms bigint not null,
  updated_ms bigint not null,
  version bigint not null
);
create unique index one_open_payment_per_bill on payment (agency, account_index, bill_key)
  where closed_ms is null and late = 0;
create index payment_due on payment (next_action_ms) where closed_ms is null;
create index payment_by_case on payment (case_id);
create index payment_by_portal on payment (portal_id, id);
create index payment_unmatched on payment (collected_ms) where matched_ms is null;

-- The ledger: appended to, never changed. Every entry's lines sum to 0; one entry per (payment, fact, subject).
create table money_entry (
  id text primary key,
  payment_id text not null,
  fact text not null,
  subject text not null,
  operation_id text not null,
  attempt bigint not null,
  evidence text not null,
  at_ms bigint not null
);
create unique index money_entry_once on money_entry (payment_id, fact, subject);

create table money_line (
  entry_id text not null,
  account text not null,
  paise bigint not null,
  primary key (entry_id, account)
);

-- What the gateway said when asked, and what it pushed: the hint and the answer stand side by side.
create table payment_word (
  id text primary key,
  payment_id text not null,
  source text not null,
  kind text not null,
  word text not null,
  paid_paise bigint not null,
  gateway_payment text not null,
  agrees bigint not null,
  at_ms bigint not null
);
create index payment_word_by_payment on payment_word (payment_id, at_ms);

-- Files of gateways and billers, line by line; the same file twice adds nothing.
create table money_file (
  agency text not null,
  side text not null,
  day text not null,
  sha256 text not null,
  lines bigint not null,
  received_ms bigint not null,
  primary key (agency, side, day, sha256)
);

create table money_file_line (
  agency text not null,
  line_key text not null,
  side text not null,
  day text not null,
  kind text not null,
  reference text not null,
  number text not null,
  amount_paise bigint not null,
  fee_paise bigint not null,
  utr text not null,
  at text not null,
  primary key (agency, line_key)
);
create index money_file_line_by_reference on money_file_line (reference);
create index money_file_line_by_number on money_file_line (agency, number);

-- What does not match, from the day it was seen until a person or the machine has put it right.
create table money_item (
  id text primary key,
  kind text not null,
  subject text not null,
  payment_id text not null,
  agency text not null,
  owner text not null,
  day text not null,
  amount_paise bigint not null,
  state text not null,
  resolution text not null,
  opened_ms bigint not null,
  next_action_ms bigint not null,
  closed_ms bigint
);
create unique index money_item_once on money_item (kind, subject);
