-- Up Migration

-- Codes may go to the e-mail address of a user.
alter table codes
  drop constraint codes_channel_known,
  add constraint codes_channel_known check (channel in ('sms', 'voice', 'email'));

-- E-mails of the simulated carrier have a recipient and a text, like text messages and calls.
alter table simulator_messages
  drop constraint simulator_messages_kind_known,
  add constraint simulator_messages_kind_known check (kind in ('push', 'sms', 'voice', 'email'));
