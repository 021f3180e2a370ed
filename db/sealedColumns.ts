/** A column of sealed values, and all that is needed to open one and to seal it again. */
export interface SealedColumn {
  table: string;
  column: string;
  /** As the module of the table gives it to the keyring. */
  purpose: string;
  /** The primary key of the table. Its values, joined by `:`, are the context that ties a sealed value to its row. */
  key: readonly string[];
  /** The blind index of the same value, which moves to another master key together with it. */
  index?: { column: string; purpose: string };
}

const ID = ['id'] as const;

/** Every sealed column there is: what `keys rotate` moves to a new master key. One line for each. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'tenants', column: 'signing_key', purpose: 'tenant-signing-key', key: ID },
  {
    ...{ table: 'tenants', column: 'authy_api_key', purpose: 'tenant-authy-api-key', key: ID },
    index: { column: 'authy_api_key_index', purpose: 'authy-api-key' },
  },
  { table: 'tenants', column: 'authy_callback_url', purpose: 'tenant-authy-callback', key: ID },
  {
    ...{ table: 'tenants', column: 'app_api_key', purpose: 'tenant-app-api-key', key: ID },
    index: { column: 'app_api_key_index', purpose: 'app-api-key' },
  },
  { table: 'tenants', column: 'api_signing_key', purpose: 'tenant-api-signing-key', key: ID },
  { table: 'access_keys', column: 'key', purpose: 'access-key', key: ID },
  { table: 'installation_keys', column: 'private_jwk', purpose: 'installation-key', key: ID },
  {
    ...{ table: 'users', column: 'phone', purpose: 'user', key: ID },
    index: { column: 'phone_index', purpose: 'phone' },
  },
  { table: 'users', column: 'email', purpose: 'user', key: ID },
  { table: 'devices', column: 'push_token', purpose: 'push-token', key: ID },
  { table: 'devices', column: 'totp_secret', purpose: 'device-totp', key: ID },
  { table: 'approvals', column: 'shown', purpose: 'approval', key: ID },
  { table: 'approvals', column: 'hidden_details', purpose: 'approval', key: ID },
  { table: 'approvals', column: 'callback_url', purpose: 'approval', key: ID },
  { table: 'approvals', column: 'one_touch', purpose: 'approval', key: ID },
  { table: 'webhook_endpoints', column: 'url', purpose: 'webhook', key: ID },
  { table: 'webhook_endpoints', column: 'secret', purpose: 'webhook', key: ID },
  { table: 'webhook_endpoints', column: 'previous_secret', purpose: 'webhook', key: ID },
  { table: 'codes', column: 'action_message', purpose: 'code', key: ['user_id', 'purpose'] },
  { table: 'totp_secrets', column: 'secret', purpose: 'totp', key: ['user_id'] },
  {
    ...{ table: 'phone_verifications', column: 'phone', purpose: 'phone-verification', key: ID },
    index: { column: 'phone_index', purpose: 'phone-verification' },
  },
  { table: 'phone_verifications', column: 'custom_code', purpose: 'phone-verification', key: ID },
  { table: 'simulator_messages', column: 'recipient', purpose: 'simulator', key: ID },
  { table: 'simulator_messages', column: 'text', purpose: 'simulator', key: ID },
  { table: 'idempotency_keys', column: 'reply', purpose: 'idempotency', key: ['tenant_id', 'key'] },
];
