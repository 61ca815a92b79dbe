import { expect, it } from 'vitest';
import * as attacks from '../src/index.ts';

it('exports these names and no others', () => {
  expect(Object.keys(attacks).sort()).toEqual([
    'adversarialFraming', 'apgdCe', 'apgdDlr', 'apgdT', 'applyPatch', 'attacks', 'bim', 'boundary', 'bpda', 'catalogue',
    'crossEntropyObjective', 'cw', 'ddn', 'deepFool', 'diFgsm', 'dlrObjective', 'ead', 'ensemble', 'eot', 'fab', 'fabT', 'fgsm', 'fmn',
    'framing', 'hopSkipJump', 'jsma', 'l0', 'marginObjective', 'miFgsm', 'nes', 'niFgsm', 'noise', 'patch', 'pgd', 'pgdL0', 'pixels',
    'randomPatch', 'randomPixels', 'rfgsm', 'roa', 'saltAndPepper', 'siFgsm', 'simba', 'spsa', 'square', 'targetedDlrObjective',
    'threatNamed', 'tiFgsm', 'track', 'transferFgsm', 'universalPatch', 'vmiFgsm', 'withPreprocessing',
  ]);
});

it('has every attack in the registry, by the id that it records', () => {
  for (const [name, create] of Object.entries(attacks.attacks)) expect(create().id).toBe(name);
});

it.each([
  ['an unknown key', () => attacks.pgd({ step: 3 } as object)],
  ['an unknown key of a narrower attack', () => attacks.bim({ restarts: 3 } as object)],
  ['no steps', () => attacks.pgd({ steps: 0 })],
  ['half a step', () => attacks.miFgsm({ steps: 1.5 })],
  ['no restarts', () => attacks.pgd({ restarts: 0 })],
  ['an objective of another name', () => attacks.fgsm({ objective: 'hinge' as 'margin' })],
  ['an inherited name as objective', () => attacks.fgsm({ objective: 'toString' as 'margin' })],
  ['a share of 1', () => attacks.rfgsm({ randomShare: 1 })],
  ['a flag that is neither true nor false', () => attacks.apgdCe({ wideStart: 1 as unknown as boolean })],
  ['a share that is no number', () => attacks.rfgsm({ randomShare: NaN })],
  ['a negative decay', () => attacks.miFgsm({ decay: -1 })],
  ['a decay that is not finite', () => attacks.miFgsm({ decay: Infinity })],
  ['no steps of APGD', () => attacks.apgdCe({ steps: 0 })],
  ['no targets', () => attacks.apgdT({ targets: 0 })],
  ['half a gradient', () => attacks.apgdDlr({ eot: 0.5 })],
  ['no draws', () => attacks.noise({ draws: 0 })],
])('refuses %s', (_what, create) => {
  expect(create).toThrow(expect.objectContaining({ code: 'RJS_ATTACK_OPTION' }));
});

it('refuses a step length that is no budget', () => {
  for (const create of [attacks.pgd, attacks.bim, attacks.miFgsm]) {
    expect(() => create({ alpha: '2/0' })).toThrow(expect.objectContaining({ code: 'RJS_EPS' }));
  }
});

it('records what determines an attack, defaults filled in', () => {
  expect(attacks.pgd({ alpha: '2/255' }).config).toEqual({ steps: 10, alpha: 2 / 255, restarts: 1, randomStart: true, objective: 'cross-entropy' });
  expect(attacks.bim({ steps: 3 }).config).toEqual({ steps: 3, alpha: '2.5 * eps / steps', objective: 'cross-entropy' });
  expect(attacks.miFgsm().config).toEqual({ steps: 10, alpha: 'eps / steps', decay: 1, objective: 'cross-entropy' });
  expect(attacks.rfgsm().config).toEqual({ objective: 'cross-entropy', randomShare: 0.5 });
  expect(attacks.noise({ draws: 5 }).config).toEqual({ draws: 5 });
});
