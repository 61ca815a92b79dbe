/** Rows of cells as aligned text; the first row is the head. Numbers after the first column are flush right, words left. */
export function textTable(rows: readonly (readonly string[])[], cells: 'numbers' | 'words' = 'numbers'): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    widths.map((width, column) => (column === 0 || cells === 'words' ? (row[column] ?? '').padEnd(width) : (row[column] ?? '').padStart(width))).join('  ').trimEnd();
  const [head = [], ...body] = rows;
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join('\n');
}
