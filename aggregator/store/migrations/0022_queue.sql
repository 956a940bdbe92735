-- What waits to be sent, agency by agency, the oldest first.
create index operation_queue on operation (agency, name, created_ms, id) where state = 'READY';
