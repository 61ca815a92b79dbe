import { type Html, html, type Part } from './html.ts';

/** A column of a table. */
export interface Column<Row> {
  readonly title: Part;
  readonly cell: (row: Row) => Part;
  /** Numbers are set to the right. */
  readonly number?: boolean;
}

/**
 * A table whose first column names the rows. On a phone every row becomes a card, with the column's title before each
 * value; the roles keep it a table for screen readers there.
 */
export function table<Row>(caption: Part, columns: readonly Column<Row>[], rows: readonly Row[]): Html {
  const kind = ({ number }: Column<Row>): string => (number ? 'number' : 'text');
  const head = columns.map((column) => html`<th scope="col" role="columnheader" class="${kind(column)}">${column.title}</th>`);
  const line = (row: Row): Html => {
    const [first, ...rest] = columns;
    const cells = rest.map(
      (column) => html`<td role="cell" class="${kind(column)}"><span class="term" aria-hidden="true">${column.title}</span><div>${column.cell(row)}</div></td>`,
    );
    return html`<tr role="row"><th scope="row" role="rowheader">${first?.cell(row)}</th>${cells}</tr>`;
  };
  return html`<div class="scroll"><table role="table"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">${rows.map((row) => html`${line(row)}\n`)}</tbody></table></div>`;
}
