// How numbers read in tables and sentences. The spaces inside a number or before its unit do not break.
const NARROW = '\u202f';

/** A share as it reads, with as many digits as `n` examples can tell apart: 391 of 500 gives 78.2. */
export function percentDigits(share: number, n: number): string {
  return (share * 100).toFixed(Math.max(1, Math.ceil(Math.log10(Math.max(n, 1))) - 2));
}

/** A share for tables: `78.2 %`. */
export function percent(share: number, n: number): string {
  return `${percentDigits(share, n)}${NARROW}%`;
}

/** A share for sentences: `78 %` rather than `78.0 %`. */
export function plainPercent(share: number, n: number): string {
  return `${percentDigits(share, n).replace(/\.0+$/, '')}${NARROW}%`;
}

/** A whole number with its thousands apart: `1 206 000`. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, NARROW);
}

/** A number short enough for a narrow table: `950`, `58.0k`, `1.21M`. */
export function shortCount(value: number): string {
  if (value < 10_000) return String(value);
  // 999 500 would round to four digits.
  const [divisor, unit] = value < 999.5e3 ? [1e3, 'k'] : value < 999.5e6 ? [1e6, 'M'] : [1e9, 'G'];
  return `${value < 999.5e9 ? (value / divisor).toPrecision(3) : Math.round(value / divisor)}${unit}`;
}

/** A budget as people write it: `8/255` where it is one, else a short decimal. */
export function epsText(eps: number): string {
  // Tolerances as for float32: 0.2 is 51/255 as well, and reads better as it is.
  const isShort = Math.abs(Number(eps.toPrecision(2)) - eps) <= 1e-6 * eps;
  const steps = eps * 255;
  const isFraction = !isShort && Math.round(steps) > 0 && Math.abs(steps - Math.round(steps)) < 1e-4;
  return isFraction ? `${Math.round(steps)}/255` : String(Number(eps.toPrecision(4)));
}

/** A duration: `8.4 s`, `12 min 3 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)}${NARROW}s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours}${NARROW}h ${minutes}${NARROW}min` : `${minutes}${NARROW}min ${whole % 60}${NARROW}s`;
}

/** `1 warning`, `2 warnings`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listing(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)!}`;
}
