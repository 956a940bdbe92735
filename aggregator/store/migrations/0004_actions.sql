-- What a citizen adds when something more is asked of the agency: a slot, a payment, an answer. Sealed like the form.
alter table operation add column form_sealed text not null default '';

-- Keys are forgotten by age.
create index idempotency_by_age on idempotency (created_ms);
