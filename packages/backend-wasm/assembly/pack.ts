import { PANEL } from './columns';
import { copy, zero } from './pad';

/*
 * Brings a matrix, or a slice of its rows, into the order in which product.ts and dots.ts read it. Element (r, f) stands at
 * from + r * rowStep + f * columnStep, so that transposed operands and flipped filters need no copy of their own.
 */

/** As panels of eight columns, `panelSize` bytes apart; missing columns are zero. */
export function packPanels(from: usize, rows: i32, rowStep: usize, columns: i32, columnStep: usize, to: usize, panelSize: usize): void {
  for (let column = 0; column < columns; column += PANEL) {
    const width = min(PANEL, columns - column);
    if (width < PANEL) zero(to, <usize>rows << 5);
    packStrip(from + <usize>column * columnStep, rows, rowStep, width, columnStep, to, 32);
    to += panelSize;
  }
}

/** As rows of `width` values, `step` bytes apart. */
export function packStrip(from: usize, rows: i32, rowStep: usize, width: i32, columnStep: usize, to: usize, step: usize): void {
  const plain = columnStep == 4;
  for (let row = 0; row < rows; row++) {
    if (plain) copy(to, from, <usize>width << 2);
    else for (let f = 0, at = from; f < width; f++, at += columnStep) store<f32>(to + (<usize>f << 2), load<f32>(at));
    from += rowStep;
    to += step;
  }
}

/** Column after column, `columnSize` bytes apart. */
export function packColumns(from: usize, rows: i32, rowStep: usize, columns: i32, columnStep: usize, to: usize, columnSize: usize): void {
  for (let column = 0; column < columns; column++) {
    let at = from + <usize>column * columnStep;
    for (let row = 0; row < rows; row++, at += rowStep) store<f32>(to + (<usize>row << 2), load<f32>(at));
    to += columnSize;
  }
}
