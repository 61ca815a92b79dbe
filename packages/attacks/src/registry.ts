import type { Attack } from '@robustjs/core';
import { fab, fabT } from './fab/fab.ts';
import { apgdCe, apgdDlr, apgdT } from './apgd/apgd.ts';
import { fgsm, rfgsm } from './fgsm.ts';
import { adversarialFraming, randomPatch, randomPixels } from './masks/random-masks.ts';
import { roa } from './masks/roa.ts';
import { saltAndPepper } from './masks/salt-and-pepper.ts';
import { miFgsm } from './mi-fgsm.ts';
import { cw } from './minimum-norm/cw.ts';
import { ddn } from './minimum-norm/ddn.ts';
import { deepFool } from './minimum-norm/deep-fool.ts';
import { ead } from './minimum-norm/ead.ts';
import { fmn } from './minimum-norm/fmn.ts';
import { jsma } from './minimum-norm/jsma.ts';
import { pgdL0 } from './minimum-norm/pgd-l0.ts';
import { noise } from './noise.ts';
import { bim, pgd } from './pgd.ts';
import { boundary } from './queries/boundary.ts';
import { hopSkipJump } from './queries/hop-skip-jump.ts';
import { nes } from './queries/nes.ts';
import { simba } from './queries/simba.ts';
import { spsa } from './queries/spsa.ts';
import { square } from './square/square.ts';
import { diFgsm, niFgsm, siFgsm, tiFgsm, vmiFgsm } from './transfer/presets.ts';
import { transferFgsm } from './transfer/transfer-fgsm.ts';

/** Attacks by the name that recipes use. Each factory refuses options that it does not know. */
export const attacks: Readonly<Record<string, (options?: object) => Attack>> = {
  fgsm,
  rfgsm,
  bim,
  pgd,
  'mi-fgsm': miFgsm,
  'ni-fgsm': niFgsm,
  'di-fgsm': diFgsm,
  'ti-fgsm': tiFgsm,
  'si-fgsm': siFgsm,
  'vmi-fgsm': vmiFgsm,
  'transfer-fgsm': transferFgsm,
  'apgd-ce': apgdCe,
  'apgd-dlr': apgdDlr,
  'apgd-t': apgdT,
  noise,
  'hop-skip-jump': hopSkipJump,
  boundary,
  simba,
  nes,
  spsa,
  roa,
  'random-patch': randomPatch,
  'adversarial-framing': adversarialFraming,
  'random-pixels': randomPixels,
  'salt-and-pepper': saltAndPepper,
  fab,
  'fab-t': fabT,
  cw,
  ead,
  ddn,
  fmn,
  jsma,
  'pgd-l0': pgdL0,
  square,
  deepfool: deepFool,
};
