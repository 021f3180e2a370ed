import { callOf, commitAfter, commitOfEvent } from './places';
import type { CallPlace, StatementPlace } from './places';

export const APPROVAL_CALLS: readonly CallPlace[] = [
  { name: 'StartWorkflowExecution', call: ({ name }) => name === 'StartWorkflowExecution' },
  { name: 'SignalWorkflowExecution', call: ({ name }) => name === 'SignalWorkflowExecution' },
  { name: 'RespondWorkflowTaskCompleted', call: callOf('RespondWorkflowTaskCompleted', 'approval/') },
  {
    name: 'SignalWithStartWorkflowExecution',
    call: callOf('SignalWithStartWorkflowExecution', 'approval/'),
    trouble: 'starts refused',
  },
  {
    name: 'RespondActivityTaskCompleted',
    call: callOf('RespondActivityTaskCompleted', 'approval/'),
    trouble: 'callbacks refused once',
  },
];

export const APPROVAL_STATEMENTS: readonly StatementPlace[] = [
  { name: 'commit of a creation', statement: commitAfter('insert into approvals') },
  {
    name: 'lock for a change',
    statement: ({ name }) => /^select .* from approvals a where .* for update$/.test(name),
  },
  { name: 'commit of an answer', statement: commitAfter('insert into answers') },
  {
    name: 'commit of one answer of several',
    statement: commitOfEvent('approval_answered'),
    mix: { severalAtOnce: 3, severalInTurn: 1, direct: 1 },
  },
  { name: 'commit of an expiry', statement: commitOfEvent('approval_expired'), mix: { silent: 4, direct: 1 } },
  {
    name: 'commit of a cancellation',
    statement: commitOfEvent('approval_cancelled'),
    mix: { cancelled: 3, withdrawn: 2, direct: 1 },
  },
  { name: 'touch by a workflow', statement: ({ name }) => name.startsWith('with touched as') },
  { name: 'end of a callback', statement: ({ name }) => name.startsWith('update approvals set callback_state') },
  {
    name: 'take by reconcile',
    statement: ({ name }) => name.startsWith('update approvals set workflow_due_at') && name.includes('skip locked'),
    trouble: 'starts refused',
  },
];
