import type { Batch, Objective } from '@robustjs/core';
import type { Triplets } from '@robustjs/metric-learning';
import { gather, maximum, neg, sqrt, square, sub, sum, type Tensor, type Tensor1D, tensor1d, tidy } from '@tensorflow/tfjs-core';

/** Which member of a triplet is perturbed. */
export type Role = 'positive' | 'negative' | 'anchor';

const MEMBERS: Readonly<Record<Role, keyof Triplets>> = { positive: 'positives', negative: 'negatives', anchor: 'anchors' };

/** Clean embeddings that perturbed images are compared with, `[T, d]` each; the second for anchors only. */
export type References = readonly [first: Tensor, second?: Tensor];

/** The images to perturb, a row a triplet, with the id of its anchor: one image may be in several triplets. The caller disposes. */
export function rowsOf({ inputs, labels, ids }: Batch, triplets: Triplets, role: Role): Batch {
  const of = <T extends Tensor>(x: T): T => tidy(() => gather(x, tensor1d(triplets[MEMBERS[role]], 'int32')));
  return { inputs: of(inputs), labels: of(labels), ids: triplets.anchors.map((anchor) => ids[anchor]!) };
}

/** What the images of this role are compared with. The caller disposes. */
export function referencesOf(embeddings: Tensor, { anchors, positives, negatives }: Triplets, role: Role): References {
  const of = (rows: Int32Array): Tensor => tidy(() => gather(embeddings, tensor1d(rows, 'int32')));
  return role === 'anchor' ? [of(positives), of(negatives)] : [of(anchors)];
}

/** What an attack on this role maximizes: a positive goes away from its anchor, a negative towards it, an anchor from one to the other. */
export function objectiveOf([first, second]: References, role: Role): Objective {
  const from = (outputs: Tensor, reference: Tensor): Tensor1D =>
    // The slope of a distance has no bound at zero.
    tidy(() => sqrt<Tensor1D>(maximum(sum(square(sub(outputs, reference)), 1), 1e-12)));
  if (role === 'negative') return (outputs) => tidy(() => neg(from(outputs, first)));
  if (second === undefined) return (outputs) => from(outputs, first);
  return (outputs) => tidy(() => sub<Tensor1D>(from(outputs, first), from(outputs, second)));
}

/** The triplets with perturbed images, which stand behind `size` clean rows, in the places of those that were chosen. */
export function redirected(triplets: Triplets, chosen: Int32Array, role: Role, size: number): Triplets {
  const places = new Map(Array.from(chosen, (triplet, i) => [triplet, size + i]));
  return { ...triplets, [MEMBERS[role]]: triplets[MEMBERS[role]].map((row, i) => places.get(i) ?? row) };
}

/** Some of the triplets. */
export const some = ({ anchors, positives, negatives }: Triplets, chosen: Int32Array): Triplets => ({
  anchors: chosen.map((i) => anchors[i]!),
  positives: chosen.map((i) => positives[i]!),
  negatives: chosen.map((i) => negatives[i]!),
});
