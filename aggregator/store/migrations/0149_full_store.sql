-- A full store costs what an empty one does: every statement that runs per case or per round finds its rows by an index
-- and passes over none that grow with the city. tests/plans.py asks for the plans; docs/decisions/014 says why these.

-- An agency is a fifth of the table, a reference is one row: the rare word first.
drop index operation_by_reference;
create unique index operation_by_reference on operation (reference, agency, name);
drop index operation_by_agency_reference;
create unique index operation_by_agency_reference on operation (agency_reference, agency, name) where agency_reference <> '';
-- What is open, by agency: the gauges every ten seconds. It stays as small as what waits.
create index operation_open on operation (agency, state, created_ms)
  where state not in ('CONFIRMED', 'REJECTED', 'EXPIRED', 'CANCELLED');
-- The newest confirmed one of a kind: the control record of every look, and the day's sample of the audit.
create index operation_confirmed on operation (agency, name, updated_ms) where state = 'CONFIRMED';

-- A citizen's own, found by the citizen: for the citizen's list and for being forgotten.
drop index cases_by_citizen;
create index cases_by_citizen on cases (citizen_id, portal_id, id);
create index idempotency_by_citizen on idempotency (citizen_id);
create index payment_by_citizen on payment (citizen_id) where citizen_id <> '';
create index citizen_login_by_citizen on citizen_login (citizen_id);
drop index document_by_owner;
create index document_by_owner on document (citizen_id, portal_id, id);
drop index draft_by_owner;
create index draft_by_owner on draft (citizen_id, portal_id, service_id, id);
-- What a portal's list may be narrowed by.
create index cases_by_status on cases (portal_id, status, id);
create index cases_by_kind on cases (portal_id, kind, id);
create index cases_by_service on cases (portal_id, service_id, id);
create index cases_by_change on cases (portal_id, updated_ms);
create index payment_by_phase on payment (portal_id, phase, id);

-- What the cashier has taken note of is not looked through again each second.
alter table inbox add column noted bigint not null default 0;
update inbox set noted = 1 where exists (select 1 from payment_word w where w.id = inbox.id);
create index inbox_unnoted on inbox (agency, received_ms) where state = 'DONE' and noted = 0;
create index inbox_by_operation on inbox (operation_id) where operation_id <> '';
create index inbox_over on inbox (received_ms) where state in ('DONE', 'REFUSED');
drop index inbox_due;
create index inbox_due on inbox (next_ms) where state in ('NEW', 'ORPHAN');
create index payment_by_order on payment (order_id);

-- The money in doubt is kept with its payment, so that the gauge adds up open ones and not the whole ledger.
alter table payment add column held_paise bigint not null default 0;
update payment set held_paise = coalesce((select -sum(l.paise) from money_line l join money_entry e on e.id = l.entry_id
  where e.payment_id = payment.id and l.account = 'held'), 0);
create index payment_holding on payment (gateway, held_paise) where held_paise <> 0;

-- Lines of files whose payment is known are not compared again every day.
alter table money_file_line add column placed bigint not null default 0;
create index money_file_line_new on money_file_line (day) where placed = 0;
create index payment_by_gateway_payment on payment (gateway_payment) where gateway_payment <> '';
drop index payment_unmatched;
create index payment_unmatched on payment (id) where matched_ms is null;
create index money_item_by_payment on money_item (payment_id);
create index money_item_open on money_item (kind, agency) where state = 'OPEN';
create index worklist_item_by_about on worklist_item (about, kind);
create index assistance_by_consent on assistance (consent_id) where consent_id <> '';
