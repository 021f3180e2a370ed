import type { Mix } from './load';
import { callOf, commitAfter, commitOfEvent } from './places';
import type { ArrivalPlace, CallPlace, StatementPlace } from './places';
import { SICK } from './webhookReceiver';

const ENDPOINTS: Mix = { endpoint: 4, direct: 2 };
const MARK = 'with attempt as ( insert into delivery_attempts';
const marks = (state: string) => commitAfter(MARK, state);

export const WEBHOOK_CALLS: readonly CallPlace[] = [
  {
    name: 'SignalWithStart of a drain',
    call: callOf('SignalWithStartWorkflowExecution', 'webhooks/'),
    mix: ENDPOINTS,
  },
  { name: 'RespondWorkflowTaskCompleted of a drain', call: callOf('RespondWorkflowTaskCompleted', 'webhooks/') },
  { name: 'RespondActivityTaskCompleted of a drain', call: callOf('RespondActivityTaskCompleted', 'webhooks/') },
];

export const WEBHOOK_STATEMENTS: readonly StatementPlace[] = [
  { name: 'commit of an event for webhooks', statement: commitAfter('insert into deliveries') },
  { name: 'mark of a webhook', statement: ({ name }) => name.startsWith(MARK) },
  { name: 'commit of a delivered webhook', statement: marks('delivered') },
  { name: 'commit of a refused webhook', statement: marks('due') },
  {
    name: 'look for overdue webhooks',
    statement: ({ name }) => name.startsWith('select tenant_id, target from ('),
    trouble: 'pokes refused',
    mix: ENDPOINTS,
  },
  { name: 'commit of a webhook endpoint', statement: commitAfter('insert into webhook_endpoints'), mix: ENDPOINTS },
  { name: 'commit of a webhook ping', statement: commitOfEvent('webhook_pinged'), mix: ENDPOINTS },
  { name: 'commit of a webhook rotation', statement: commitAfter('set previous_secret = secret'), mix: ENDPOINTS },
  { name: 'commit of a webhook redelivery', statement: commitAfter('with chosen as'), mix: ENDPOINTS },
];

export const WEBHOOK_ARRIVALS: readonly ArrivalPlace[] = [
  // A sick endpoint refuses an event once; cut as well, it would be tried again in five minutes.
  { name: 'end of a webhook', arrival: ({ name }) => name !== SICK },
];
