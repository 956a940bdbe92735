-- A case is shown with what was asked of its agencies: without these, reading one case looked through all of them.
create index operation_by_case on operation (case_id);
create index idempotency_by_case on idempotency (case_id);
