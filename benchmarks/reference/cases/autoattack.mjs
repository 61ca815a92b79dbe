// APGD of the authors' AutoAttack, and the suite itself. Their records of APGD under L1 took one phase; the suite takes three.
import { apgdCe, apgdT } from '@robustjs/attacks';
import { autoAttack } from '@robustjs/autoattack';

export const cases = [
  { library: 'autoattack', attack: 'APGD-CE', ours: ({ n_iter, n_restarts }) => apgdCe({ steps: n_iter, restarts: n_restarts }) },
  { library: 'autoattack', attack: 'APGD-T', ours: ({ n_iter, n_target_classes }) => apgdT({ steps: n_iter, targets: n_target_classes }) },
  { library: 'autoattack', attack: 'AutoAttack-standard', ours: ({ square_queries }) => autoAttack({ queries: square_queries }) },
];
