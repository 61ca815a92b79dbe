// A small model that threads can open: two dense layers with weights from a seed.
import { modelOf, randomStream } from '@robustjs/core';
import * as tf from '@tensorflow/tfjs-core';

export const SHAPE = [4, 4, 1];

export function openSubject({ seed }) {
  const random = randomStream(seed).split('weights');
  const first = tf.tensor2d(random.split(1).normal(16 * 12), [16, 12]);
  const second = tf.tensor2d(random.split(2).normal(12 * 3), [12, 3]);
  const evaluable = modelOf((x) => tf.matMul(tf.relu(tf.matMul(tf.sub(tf.reshape(x, [-1, 16]), 0.5), first)), second), { inputShape: SHAPE });
  return { evaluable };
}
