import type { ConvAxis } from '../kernels/conv-geometry.ts';

/** Along one axis: the filter elements of a phase, its inputs, and the first dy element of each input's window. */
export interface AxisPhase {
  readonly taps: readonly number[];
  readonly inputs: readonly number[];
  readonly starts: readonly number[];
}

/** The phases of an axis that any filter element reaches, with the padding of dy that their windows need. */
export function axisPhases(axis: ConvAxis): { phases: AxisPhase[]; before: number; after: number } {
  const { input: size, output, kernel, stride, before } = axis;
  const phases: AxisPhase[] = [];
  let [first, last] = [0, output - 1];
  for (let r = 0; r < Math.min(stride, kernel); r++) {
    const taps = Array.from({ length: Math.ceil((kernel - r) / stride) }, (_, t) => r + stride * t).reverse();
    const inputs = Array.from({ length: size }, (_, i) => i).filter((i) => (i + before) % stride === r);
    if (inputs.length === 0) continue;
    const starts = inputs.map((i) => (i + before - r) / stride - (taps.length - 1));
    first = Math.min(first, starts[0]!);
    last = Math.max(last, starts.at(-1)! + taps.length - 1);
    phases.push({ taps, inputs, starts });
  }
  return { phases: phases.map((phase) => ({ ...phase, starts: phase.starts.map((o) => o - first) })), before: -first, after: last - (output - 1) };
}
