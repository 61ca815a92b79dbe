// FGSM, PGD and momentum of torchattacks.
import { fgsm, miFgsm, pgd } from '@robustjs/attacks';

const descent = ({ steps, alpha, random_start }) => pgd({ steps, alpha, randomStart: random_start });

export const cases = [
  { library: 'torchattacks', attack: 'FGSM', ours: () => fgsm() },
  { library: 'torchattacks', attack: 'PGD', ours: descent },
  { library: 'torchattacks', attack: 'PGDL2', ours: descent },
  { library: 'torchattacks', attack: 'MIFGSM', ours: ({ steps, alpha, decay }) => miFgsm({ steps, alpha, decay }) },
];
