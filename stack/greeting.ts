import type { Home } from './home';
import type { StackFacts } from './stack';

/** What a person needs to see first: the addresses, and a first approval to copy. */
export function greeting(facts: StackFacts, home: Home, env: NodeJS.ProcessEnv, tookMs: number): string {
  const { apiUrl, temporalUiUrl, temporalAddress } = facts;
  const sameHome = env['COUNTERSIGN_HOME'] ? `COUNTERSIGN_HOME='${home.folder}' ` : '';
  return `
Countersign is ready (${(tookMs / 1_000).toFixed(1)} s).

  API          ${apiUrl}
  OpenAPI      ${apiUrl}/v1/openapi.json
  Temporal UI  ${temporalUiUrl ? accompaniedIn(temporalUiUrl, facts.temporalNamespace) : `(your own server, ${temporalAddress})`}
  Logs         ${home.file('logs')}

Your first approval. In a second terminal, be the phone of user demo:

  ${sameHome}npm run phone

In a third one, ask for an approval; answer it on the phone, and the signed callback appears here:

${firstApproval(facts)}

Ctrl-C ends everything; the next start goes on where this one ended.
`;
}

/** The list of what accompanies people, without schedules and deliveries, whose runs are many. */
function accompaniedIn(temporalUiUrl: string, namespace: string): string {
  const query = encodeURIComponent('CountersignKind in ("approval", "onboarding", "codeDelivery")');
  return `${temporalUiUrl}/namespaces/${namespace}/workflows?query=${query}`;
}

/** The shell makes a new idempotency key each time, so that the same lines can be copied twice. */
function firstApproval({ apiUrl, apiKey, userId, callbackUrl }: StackFacts): string {
  const approval = {
    userId,
    mode: 'transaction',
    title: 'Pay 49.90 EUR to Example Shop?',
    details: [
      { label: 'Amount', value: '49.90 EUR' },
      { label: 'To', value: 'Example Shop' },
    ],
    callbackUrl,
  };
  return `  curl -s -w '\\n' ${apiUrl}/v1/approvals \\
    -H 'Authorization: Bearer ${apiKey}' \\
    -H "Idempotency-Key: first-$(date +%s)" \\
    -H 'Content-Type: application/json' \\
    -d '${JSON.stringify(approval)}'`;
}
