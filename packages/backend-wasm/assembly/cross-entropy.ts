import { exp64, log64 } from './exponential';

/*
 * Cross-entropy of softmax, row by row in double precision: a confident row's gradient is the difference of two numbers near 1.
 * The target of a row is a class with the rest spread evenly (`labels`), or probabilities; the other address is 0.
 */

/** -sum over k of t_k (z_k - ln sum e^z). */
export function crossEntropy(rows: i32, classes: i32, logits: usize, labels: usize, probabilities: usize, smoothing: f64, to: usize): void {
  const line = <usize>classes << 2;
  for (let row = 0; row < rows; row++, logits += line, to += 4) {
    const top = largest(classes, logits);
    let sum: f64 = 0;
    for (let k = 0; k < classes; k++) sum += exp64(logit(logits, k) - top);
    const norm = log64(sum);
    let loss: f64 = 0;
    for (let k = 0; k < classes; k++) loss -= target(row, k, classes, labels, probabilities, smoothing) * (logit(logits, k) - top - norm);
    store<f32>(to, <f32>loss);
  }
}

/**
 * dy (p - t), p = softmax(z), where what p - t adds up to (0 but for rounding) is taken off along t: all that is left of a confident
 * row's gradient. `held`: scratch for a row of doubles.
 */
export function crossEntropyGradient(
  rows: i32, classes: i32, dy: usize, logits: usize, labels: usize, probabilities: usize, smoothing: f64, held: usize, to: usize,
): void {
  const line = <usize>classes << 2;
  for (let row = 0; row < rows; row++, logits += line, to += line, dy += 4) {
    const top = largest(classes, logits);
    let sum: f64 = 0;
    for (let k = 0; k < classes; k++) {
      const value = exp64(logit(logits, k) - top);
      store<f64>(held + (<usize>k << 3), value);
      sum += value;
    }
    let rest: f64 = 0;
    for (let k = 0; k < classes; k++) {
      const at = held + (<usize>k << 3);
      const difference = load<f64>(at) / sum - target(row, k, classes, labels, probabilities, smoothing);
      store<f64>(at, difference);
      rest += difference;
    }
    const slope = <f64>load<f32>(dy);
    for (let k = 0; k < classes; k++) {
      const difference = load<f64>(held + (<usize>k << 3)) - rest * target(row, k, classes, labels, probabilities, smoothing);
      store<f32>(to + (<usize>k << 2), <f32>(slope * difference));
    }
  }
}

// @ts-ignore: decorator
@inline
function logit(logits: usize, k: i32): f64 {
  return <f64>load<f32>(logits + (<usize>k << 2));
}

function largest(classes: i32, logits: usize): f64 {
  let top = logit(logits, 0);
  for (let k = 1; k < classes; k++) top = max(top, logit(logits, k));
  return top;
}

function target(row: i32, k: i32, classes: i32, labels: usize, probabilities: usize, smoothing: f64): f64 {
  if (probabilities != 0) return <f64>load<f32>(probabilities + (<usize>(row * classes + k) << 2));
  const hard = load<i32>(labels + (<usize>row << 2)) == k ? 1 - smoothing : 0;
  return hard + smoothing / <f64>classes;
}
