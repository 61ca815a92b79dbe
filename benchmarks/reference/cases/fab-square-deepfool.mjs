// FAB and Square of the authors' AutoAttack, DeepFool of torchattacks.
import { deepFool, fab, square } from '@robustjs/attacks';

export const cases = [
  { library: 'autoattack', attack: 'FAB', ours: ({ n_iter, n_restarts }) => fab({ steps: n_iter, restarts: n_restarts }) },
  { library: 'autoattack', attack: 'Square', ours: ({ n_queries, p_init }) => square({ queries: n_queries, initialShare: p_init }) },
  {
    library: 'torchattacks',
    attack: 'DeepFool',
    ours: ({ steps, overshoot }) => deepFool({ steps, overshoot }),
    note: 'ours steps inside the box and closes in on the boundary at the end',
  },
];
