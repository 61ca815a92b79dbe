/** The queries after which the share of changed pixels halves, of 10 000 (Andriushchenko et al., ECCV 2020, section 4.1; code). */
const HALVED_AFTER: readonly number[] = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/**
 * The share of an image's pixels that a query changes.
 *
 * @param query from 0.
 * @param total queries in all; the schedule is stretched over them, where it is given.
 */
export function changedShare(query: number, initial: number, total?: number): number {
  const place = total === undefined ? query : Math.floor((query / total) * 10_000);
  return initial / 2 ** HALVED_AFTER.filter((last) => place > last).length;
}

/** Side of the square window with this share of the pixels: at least 1, and inside the image. */
export function windowSide(share: number, height: number, width: number): number {
  return Math.min(Math.max(Math.round(Math.sqrt(share * height * width)), 1), height, width);
}

/** Side of a window that has a center: odd, and at least 3 where the image has room. */
export function oddSide(share: number, height: number, width: number): number {
  const side = Math.max(Math.round(Math.sqrt(share * height * width)), 3);
  const room = Math.min(height, width);
  return Math.min(side % 2 === 0 ? side + 1 : side, room % 2 === 0 ? room - 1 : room);
}
