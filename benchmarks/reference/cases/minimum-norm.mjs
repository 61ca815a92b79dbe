// DDN, FMN, C&W and EAD of Foolbox.
import { cw, ddn, ead, fmn } from '@robustjs/attacks';

const search = ({ binary_search_steps, steps, confidence = 0, initial_const = 0.001 }) => ({
  binarySearchSteps: binary_search_steps, steps, confidence, initialConstant: initial_const,
});

export const cases = [
  { library: 'foolbox', attack: 'DDN', ours: ({ steps, gamma, init_epsilon }) => ddn({ steps, gamma, radius: init_epsilon }) },
  { library: 'foolbox', attack: 'LInfFMN', ours: ({ steps }) => fmn({ steps }) },
  { library: 'foolbox', attack: 'L1FMN', ours: ({ steps }) => fmn({ steps }), note: 'ours clips to the box before it projects' },
  { library: 'foolbox', attack: 'L2CarliniWagner', ours: (params) => cw({ ...search(params), alpha: params.stepsize }) },
  {
    library: 'foolbox', attack: 'EAD',
    ours: (params) => ead({ ...search(params), alpha: params.initial_stepsize, beta: params.regularization, decision: params.decision_rule }),
  },
];
