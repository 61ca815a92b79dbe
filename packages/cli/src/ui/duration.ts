/** Seconds as people say them: `8 s`, `2:05 min`, `1:10 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const [large, small, unit] = whole < 3600 ? [Math.floor(whole / 60), whole % 60, 'min'] : [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), 'h'];
  return `${large}:${String(small).padStart(2, '0')} ${unit}`;
}

/** A rate with two or three digits. */
export const rate = (perSecond: number): string => (perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond)));
