import type { Attack } from '@robustjs/core';
import { fgsm, rfgsm } from './fgsm.ts';
import { miFgsm } from './mi-fgsm.ts';
import { noise } from './noise.ts';
import { bim, pgd } from './pgd.ts';

/** Attacks by the name that recipes use. Each factory refuses options that it does not know. */
export const attacks: Readonly<Record<string, (options?: object) => Attack>> = {
  fgsm,
  rfgsm,
  bim,
  pgd,
  'mi-fgsm': miFgsm,
  noise,
};
