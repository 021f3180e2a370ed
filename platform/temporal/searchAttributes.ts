import { defineSearchAttributeKey } from '@temporalio/common';
import type { NativeConnection } from '@temporalio/worker';

// Imported by workflows too: no value of Node or of the worker may be imported here.

/** What operators filter by in the Temporal UI. It travels in clear: a tenant's id, never a person's. */
export const COUNTERSIGN_TENANT = defineSearchAttributeKey('CountersignTenant', 'KEYWORD');
/** The noun of the workflow: approval, reconcile, retention. */
export const COUNTERSIGN_KIND = defineSearchAttributeKey('CountersignKind', 'KEYWORD');
/** Set only when the outcome is not *approved*, to save an action. */
export const COUNTERSIGN_OUTCOME = defineSearchAttributeKey('CountersignOutcome', 'KEYWORD');

const NAMES = [COUNTERSIGN_TENANT, COUNTERSIGN_KIND, COUNTERSIGN_OUTCOME].map((key) => key.name);
const INDEXED_VALUE_TYPE_KEYWORD = 2;
const GRPC = { alreadyExists: 6, permissionDenied: 7, unimplemented: 12, unauthenticated: 16 } as const;

export interface SearchAttributesReport {
  /** Those that were missing and are there now. */
  added: readonly string[];
  /** Why not all of them are there, and what an administrator has to run. Workflows cannot start until then. */
  reason?: string;
}

/**
 * Adds the search attributes that the namespace lacks. Temporal Cloud and locked-down clusters do not let a worker do
 * that: then it tells what to run instead of failing.
 */
export async function ensureSearchAttributes(
  connection: Pick<NativeConnection, 'operatorService'>,
  namespace: string,
): Promise<SearchAttributesReport> {
  const { operatorService } = connection;
  let missing = NAMES;
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const wrong = NAMES.filter(
      (name) => (customAttributes[name] ?? INDEXED_VALUE_TYPE_KEYWORD) !== INDEXED_VALUE_TYPE_KEYWORD,
    );
    if (wrong.length > 0) {
      return { added: [], reason: `The search attributes ${wrong.join(', ')} exist, but are not of the type Keyword.` };
    }
    missing = NAMES.filter((name) => customAttributes[name] == null);
    if (missing.length === 0) return { added: [] };
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD])),
    });
    return { added: missing };
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    if (code === GRPC.alreadyExists) return { added: [] }; // another process was faster
    if (code !== GRPC.permissionDenied && code !== GRPC.unauthenticated && code !== GRPC.unimplemented) throw error;
    return { added: [], reason: `Not permitted to look at or add search attributes. ${howToAdd(namespace, missing)}` };
  }
}

function howToAdd(namespace: string, names: readonly string[]): string {
  const cluster = names.map((name) => `--name ${name} --type Keyword`).join(' ');
  const cloud = names.map((name) => `--search-attribute ${name}=Keyword`).join(' ');
  return (
    `Where they are missing, run: temporal operator search-attribute create --namespace ${namespace} ${cluster} ` +
    `(on Temporal Cloud: tcld namespace search-attributes add --namespace ${namespace} ${cloud})`
  );
}
