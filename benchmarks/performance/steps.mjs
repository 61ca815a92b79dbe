// The networks and steps of the performance benchmark, as functions of a started runtime; peer.py has the same in PyTorch.
import * as tf from '@tensorflow/tfjs-core';
import { pgd } from '@robustjs/attacks';
import { commitUpdates, linf, MAIN, mean, one, randomStream, rows, runAttack } from '@robustjs/core';
import { branchedNorms, buildNetwork, crossEntropy, resnet, smallCnn, standardKit } from '@robustjs/nn';

export const BATCH = 64;

/** The networks of the comparison; the small one has no norms, as in peer.py. */
function network(name, branches = [MAIN]) {
  const plain = standardKit(randomStream(1));
  const kit = branches.length > 1 ? branchedNorms(plain, branches) : plain;
  const without = { ...kit, norm: () => ({ parameters: [], buffers: [], apply: (input) => input }) };
  const inputShape = name === 'cnn' ? [28, 28, 1] : [32, 32, 3];
  const architecture = (name === 'cnn' ? smallCnn : resnet)({ inputShape, classes: 10 });
  return buildNetwork(architecture, { kit: name === 'cnn' ? without : kit, inputShape });
}

/** One network with its batch, and the steps that tasks are made of. */
export function steps(name, branches = [MAIN]) {
  const model = network(name, branches);
  const share = (i) => Math.floor(((i + 1) * BATCH) / branches.length) - Math.floor((i * BATCH) / branches.length);
  const route = branches.length > 1 ? rows(branches.map((branch, i) => ({ branch, count: share(i) }))) : one(MAIN);
  const inputs = tf.randomUniform([BATCH, ...model.inputShape], 0, 1, 'float32', 7);
  const ids = Array.from({ length: BATCH }, (_, i) => i);
  const labels = tf.tensor1d(ids.map((i) => i % 10), 'int32');
  const variables = model.parameters.map(({ variable }) => variable);
  const problem = { model, inputs, labels, ids, threat: linf('8/255'), random: randomStream(2) };
  async function train(batch = inputs) {
    const updates = [];
    const loss = () => mean(crossEntropy(model.forward(batch, { train: true, route, updates }), labels));
    const { value, grads } = tf.variableGrads(loss, variables);
    for (const variable of variables) tf.tidy(() => variable.assign(tf.sub(variable, tf.mul(grads[variable.name], 0.01))));
    commitUpdates(updates);
    await value.data();
    tf.dispose([value, grads]);
  }
  return {
    train,
    async adversarialTrain() {
      const { adversarial } = await runAttack(pgd({ steps: 10, alpha: '2/255' }), { ...problem, keep: 'last' });
      await train(adversarial);
      adversarial.dispose();
    },
    // No row counts as broken: all stay to the last step, so that the work is the same whatever the weights.
    async evaluate(count = 40) {
      const criterion = (outputs) => tf.tidy(() => tf.cast(tf.zeros([outputs.shape[0]]), 'bool'));
      const { adversarial } = await runAttack(pgd({ steps: count, alpha: '2/255' }), { ...problem, criterion });
      adversarial.dispose();
    },
  };
}
