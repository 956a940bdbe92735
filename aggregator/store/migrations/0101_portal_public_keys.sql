-- A portal that signs its requests for tokens (private_key_jwt) shows us its public keys and has no secret here.

alter table portal_key add column public_keys text not null default '';
