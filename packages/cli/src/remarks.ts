import { type OpenedModel, STRAIGHT_THROUGH } from '@robustjs/interop';

/** What of an opened model people must know. */
export type Opened = Pick<OpenedModel, 'softmaxRemoved' | 'outputs' | 'gradients' | 'architecture'>;

const INSTEAD = 'attack by queries (--attacks noise:draws=1000,square), or give a module that exports predict with a differentiable stand-in';

/** What people must know of a model before hours are spent on it, with what they can do; `passed` are operations passed straight through. */
export function remarksOn({ softmaxRemoved, outputs, gradients, architecture }: Opened, passed: readonly string[] = []): string[] {
  const { missing, flat } = gradients ?? { missing: [], flat: [] };
  const still = flat.filter((name) => !passed.includes(name));
  const [passable, steps] = [still.filter((name) => STRAIGHT_THROUGH.includes(name)), still.filter((name) => !STRAIGHT_THROUGH.includes(name))];
  return [
    ...(softmaxRemoved ? ['Its final softmax is left out: attacks need logits, and the predictions are the same.'] : []),
    ...(outputs === 'probabilities' ? ['It gives probabilities, whose gradients vanish: save it without its softmax.'] : []),
    ...(missing.length > 0 ? [`TensorFlow.js has no gradient for ${missing.join(', ')}, so only attacks by queries run: ${INSTEAD}.`] : []),
    ...(passable.length > 0 ? [`The gradient of ${passable.join(', ')} is zero: --straight-through ${[...passed, ...passable].join(',')} lets attacks pass (BPDA).`] : []),
    ...(steps.length > 0 ? [`The gradient of ${steps.join(', ')} is zero, and the identity is no stand-in for it: ${INSTEAD}.`] : []),
    ...(architecture === 'function' && gradients === undefined ? ['It is a function that is only asked: only attacks by queries run, such as square.'] : []),
  ];
}
