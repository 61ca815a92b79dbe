import { expect, it } from 'vitest';
import * as api from '../src/index.ts';

it('exports these names and no others', () => {
  expect(Object.keys(api).sort()).toEqual(['MULTI', 'SINGLE', 'UNADVERSARIAL', 'featureAttack', 'mdprop', 'meanDistance', 'plugin', 'presets']);
});
