import { crossEntropy, buildNetwork, smallCnn, standardKit } from '@robustjs/nn';
import { evaluation, type Model, modelOf, randomStream } from '@robustjs/core';
import * as tf from '@tensorflow/tfjs-core';

/** Images `[N, 6, 6, 1]` of three classes: a bright stripe at a place of its class, on noise. All values in [0.05, 0.95]. */
export function stripes(count: number, seed = 0): { images: Float32Array; labels: number[] } {
  const noise = randomStream(seed).split('stripes').uniform(count * 36);
  const labels = Array.from({ length: count }, (_, i) => i % 3);
  const images = noise.map((u, i) => {
    const row = Math.floor((i % 36) / 6);
    const bright = Math.floor(row / 2) === labels[Math.floor(i / 36)];
    return 0.05 + 0.6 * u + (bright ? 0.25 : 0);
  });
  return { images, labels };
}

export const SHAPE = [6, 6, 1];

/** A small convolutional network, trained on stripes by plain gradient descent until it knows most of them. */
export async function trainedModel(): Promise<Model> {
  const network = buildNetwork(smallCnn({ inputShape: SHAPE, classes: 3, widths: [4, 8] }), { kit: standardKit(randomStream(3)), inputShape: SHAPE });
  const { images, labels } = stripes(120, 1);
  const x = tf.tensor(images, [120, ...SHAPE]);
  const y = tf.tensor1d(labels, 'int32');
  const variables = network.parameters.map(({ variable }) => variable);
  for (let step = 0; step < 80; step++) {
    const { value, grads } = tf.variableGrads(() => tf.mean(crossEntropy(network.forward(x, evaluation()), y)), variables);
    for (const variable of variables) tf.tidy(() => variable.assign(tf.sub(variable, tf.mul(grads[variable.name]!, 0.3))));
    tf.dispose([value, ...Object.values(grads)]);
  }
  tf.dispose([x, y]);
  return network;
}

/** The same parameters behind another forward function. */
export const through = (model: Model, change: (x: tf.Tensor, logitsOf: (x: tf.Tensor) => tf.Tensor) => tf.Tensor): Model =>
  modelOf((x) => tf.tidy(() => change(x, (inputs) => model.forward(inputs, evaluation()))), { inputShape: model.inputShape });
