/*
 * Objectives of attacks, row by row, with their gradients. Operations and their order are those of the composition of ordinary ones,
 * zeros included: what is not finite makes a row's value NaN.
 */

const TINY: f32 = 1e-12;
/** Stands where a logit does not count. */
const NONE: f32 = -1e30;

// @ts-ignore: decorator
@inline
function logit(logits: usize, k: i32): f32 {
  return load<f32>(logits + (<usize>k << 2));
}

// @ts-ignore: decorator
@inline
function classOf(classes: usize, row: i32): i32 {
  return load<i32>(classes + (<usize>row << 2));
}

function largestOther(count: i32, logits: usize, label: i32): f32 {
  let top: f32 = count > 0 && label != 0 ? logit(logits, 0) : NONE;
  for (let k = 1; k < count; k++) top = max<f32>(top, k == label ? NONE : logit(logits, k));
  return top;
}

/** The largest other logit minus the label's. */
export function logitMargin(rows: i32, count: i32, logits: usize, labels: usize, to: usize): void {
  for (let row = 0; row < rows; row++, logits += <usize>count << 2, to += 4) {
    const label = classOf(labels, row);
    let own: f32 = 0;
    for (let k = 0; k < count; k++) own += logit(logits, k) * (k == label ? 1 : 0);
    store<f32>(to, largestOther(count, logits, label) - own);
  }
}

/** All of several largest ones count, as in TF.js's gradient of a maximum. */
export function logitMarginGradient(rows: i32, count: i32, dy: usize, logits: usize, labels: usize, to: usize): void {
  for (let row = 0; row < rows; row++, logits += <usize>count << 2, dy += 4) {
    const label = classOf(labels, row);
    const top = largestOther(count, logits, label);
    const slope = load<f32>(dy);
    for (let k = 0; k < count; k++, to += 4) store<f32>(to, k == label ? -slope : logit(logits, k) == top ? slope : 0);
  }
}

/** The target's logit minus the label's, and over the gap of the logits' ratio where `ratio` says so. */
export function classLead(rows: i32, count: i32, logits: usize, labels: usize, targets: usize, ratio: bool, held: usize, to: usize): void {
  for (let row = 0; row < rows; row++, logits += <usize>count << 2, to += 4) {
    const gap = gapOf(count, logits, ratio, held);
    store<f32>(to, leadOf(count, logits, classOf(labels, row), classOf(targets, row)) / gap);
  }
}

/** With v the value: dy / gap times what each logit weighs in the lead less v times what it weighs in the gap. */
export function classLeadGradient(
  rows: i32, count: i32, dy: usize, logits: usize, labels: usize, targets: usize, ratio: bool, held: usize, to: usize,
): void {
  for (let row = 0; row < rows; row++, logits += <usize>count << 2, dy += 4) {
    const label = classOf(labels, row);
    const target = classOf(targets, row);
    const gap = gapOf(count, logits, ratio, held);
    const value = leadOf(count, logits, label, target) / gap;
    const slope = load<f32>(dy) / gap;
    for (let k = 0; k < count; k++, to += 4) store<f32>(to, slope * (weight(k, label, target) - value * logit(held, k)));
  }
}

// @ts-ignore: decorator
@inline
function weight(k: i32, label: i32, target: i32): f32 {
  return <f32>((k == target ? 1 : 0) - (k == label ? 1 : 0));
}

function leadOf(count: i32, logits: usize, label: i32, target: i32): f32 {
  let lead: f32 = 0;
  for (let k = 0; k < count; k++) lead += logit(logits, k) * weight(k, label, target);
  return lead;
}

/**
 * The largest logit minus the mean of the third and the fourth, or the third alone of three; 1 without a ratio and of two. Leaves what
 * each logit weighs in it at `held`; of equal logits the first is the larger.
 */
function gapOf(count: i32, logits: usize, ratio: bool, held: usize): f32 {
  memory.fill(held, 0, <usize>count << 2);
  if (!ratio || count < 3) return 1;
  // The second largest, which weighs nothing, is marked with 2 meanwhile.
  for (let rank = 0; rank < min(4, count); rank++) {
    let found = -1;
    for (let k = 0; k < count; k++) if (logit(held, k) == 0 && (found < 0 || logit(logits, k) > logit(logits, found))) found = k;
    store<f32>(held + (<usize>found << 2), rank == 0 ? 1 : rank == 1 ? 2 : count == 3 ? -1 : -0.5);
  }
  let gap: f32 = 0;
  for (let k = 0; k < count; k++) {
    if (logit(held, k) == 2) store<f32>(held + (<usize>k << 2), 0);
    gap += logit(logits, k) * logit(held, k);
  }
  return gap + TINY;
}
