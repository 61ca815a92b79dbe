import { PANEL } from './columns';

/*
 * Brings a matrix, or a slice of its rows, into the order in which product.ts and dots.ts read it. Element (r, f) stands at
 * from + r * rowStep + f * columnStep, so that transposed operands and flipped filters need no copy of their own.
 */

/** As panels of eight columns, `panelSize` bytes apart; missing columns are zero. */
export function packPanels(from: usize, rows: i32, rowStep: usize, columns: i32, columnStep: usize, to: usize, panelSize: usize): void {
  for (let column = 0; column < columns; column += PANEL) {
    const width = min(PANEL, columns - column);
    const start = from + <usize>column * columnStep;
    if (width == PANEL && columnStep == 4) copyPanel(start, rows, rowStep, to);
    else gatherPanel(start, rows, rowStep, width, columnStep, to);
    to += panelSize;
  }
}

function copyPanel(from: usize, rows: i32, rowStep: usize, to: usize): void {
  for (let row = 0; row < rows; row++) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    from += rowStep;
    to += 32;
  }
}

function gatherPanel(from: usize, rows: i32, rowStep: usize, width: i32, columnStep: usize, to: usize): void {
  for (let row = 0; row < rows; row++) {
    let at = from;
    for (let f = 0; f < width; f++, at += columnStep) store<f32>(to + (<usize>f << 2), load<f32>(at));
    for (let f = width; f < PANEL; f++) store<f32>(to + (<usize>f << 2), 0);
    from += rowStep;
    to += 32;
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
