// The inverse of the normal distribution function in basic arithmetic only. Math.log and Math.cos may differ between
// engines in the last bit; +, -, *, / and Math.sqrt may not, so these numbers are the same everywhere.

/** Natural logarithm of a positive, normal double. Relative error below 1e-15 near 1, a few ulp elsewhere. */
function log(value: number): number {
  let exponent = 0;
  let m = value;
  while (m > Math.SQRT2) {
    m /= 2;
    exponent += 1;
  }
  while (m < Math.SQRT1_2) {
    m *= 2;
    exponent -= 1;
  }
  const s = (m - 1) / (m + 1); // log m = 2 atanh(s), |s| < 0.172
  const s2 = s * s;
  let series = 0;
  for (let k = 21; k >= 1; k -= 2) series = 1 / k + s2 * series;
  return exponent * Math.LN2 + 2 * s * series;
}

/**
 * The quantile of the standard normal distribution, for 0 < p < 1.
 * Algorithm AS 241 of Wichura (Applied Statistics 37, 1988), single-precision variant PPND7: about 1 part in 10^7.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)) /
      (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1)
    );
  }
  const tail = Math.sqrt(-log(q < 0 ? p : 1 - p));
  const value = tail <= 5 ? middle(tail - 1.6) : far(tail - 5);
  return q < 0 ? -value : value;
}

function middle(r: number): number {
  return (
    (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
    ((0.12021132975 * r + 0.73700164250) * r + 1)
  );
}

function far(r: number): number {
  return (
    (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
    ((0.012258202635 * r + 0.24197894225) * r + 1)
  );
}
