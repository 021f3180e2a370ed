-- Up Migration

-- What has expired is found by its age, like idempotency keys and proofs.
create index registration_tokens_age on registration_tokens (expires_at);
