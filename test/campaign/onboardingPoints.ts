import type { Mix } from './load';
import { callOf, commitAfter, commitOfEvent } from './places';
import type { CallPlace, StatementPlace } from './places';

const ONBOARDINGS: Mix = {
  onboardByLink: 3,
  onboardWithDevice: 2,
  onboardBySms: 2,
  onboardByTotp: 1,
  onboardAgain: 1,
  onboardCancelled: 1,
  direct: 2,
};
const BY_PUSH: Mix = { onboardByLink: 3, onboardWithDevice: 3, direct: 2 };
const BY_CODE: Mix = { onboardBySms: 3, onboardByTotp: 2, direct: 2 };
const ENDING: Mix = { onboardCancelled: 3, onboardAgain: 2, onboardRemoved: 2, direct: 2 };
const SILENT: Mix = { onboardSilent: 5, onboardByLink: 1, direct: 2 };

export const ONBOARDING_CALLS: readonly CallPlace[] = [
  {
    name: 'StartWorkflowExecution of an onboarding',
    call: callOf('StartWorkflowExecution', 'onboarding/'),
    mix: ONBOARDINGS,
  },
  {
    name: 'SignalWorkflowExecution of an onboarding',
    call: callOf('SignalWorkflowExecution', 'onboarding/'),
    mix: ONBOARDINGS,
  },
  {
    name: 'SignalWithStart of an onboarding',
    call: callOf('SignalWithStartWorkflowExecution', 'onboarding/'),
    trouble: 'starts refused',
    mix: ONBOARDINGS,
  },
];

export const ONBOARDING_STATEMENTS: readonly StatementPlace[] = [
  { name: 'commit of an onboarding', statement: commitAfter('insert into onboardings'), mix: ONBOARDINGS },
  { name: 'commit of an onboarding method', statement: commitOfEvent('method_chosen'), mix: ONBOARDINGS },
  {
    name: 'end of an onboarding link',
    statement: ({ name }) => name.startsWith('update onboardings set link_state'),
    mix: ONBOARDINGS,
  },
  {
    name: 'commit of an onboarding device',
    statement: commitOfEvent('device_registration_complete'),
    mix: { onboardByLink: 4, direct: 2 },
  },
  { name: 'commit of an onboarding confirmed', statement: commitOfEvent('two_factor_enabled'), mix: BY_PUSH },
  { name: 'commit of an onboarding code', statement: commitOfEvent('code_accepted'), mix: BY_CODE },
  { name: 'commit of an onboarding cancelled', statement: commitOfEvent('onboarding_cancelled'), mix: ENDING },
  { name: 'commit of an onboarding reminded', statement: commitOfEvent('onboarding_reminded'), mix: SILENT },
  { name: 'commit of an onboarding expired', statement: commitOfEvent('onboarding_expired'), mix: SILENT },
];
