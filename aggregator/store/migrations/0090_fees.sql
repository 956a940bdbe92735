-- A payment of a case's fee: which case it is for, and which leg's agency is told. Empty for a bill.
alter table payment add column for_case_id text not null default '';
alter table payment add column for_leg_id text not null default '';
create index payment_for_case on payment (for_case_id) where for_case_id <> '';

-- What the agency asked for when it took the application, in paise; null where it named nothing.
alter table leg add column fee_paise bigint;
