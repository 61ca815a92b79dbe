import { elu, engine, getGradient, grad, relu, type Tensor } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { values } from './compare.ts';

test('tf.layers imported after the start, which registers gradients anew, takes none away', async () => {
  await startWasm();
  const before = getGradient('Elu');
  await import('@tensorflow/tfjs-layers');
  expect(getGradient('Elu')).not.toBe(before);
  const x = values([4, 5], 1);
  const ran: string[] = [];
  const runKernel = engine().runKernel.bind(engine());
  engine().runKernel = ((name, ...rest) => {
    ran.push(name);
    return runKernel(name, ...rest);
  });
  for (const f of [elu, relu]) grad((at: Tensor) => f(at))(x);
  expect(ran).toEqual(expect.arrayContaining(['EluInputGrad', 'ReluGrad']));
  expect(getGradient('Elu')).toBe(before);
});
