import { RobustError } from '@robustjs/core';

/** Text that means nothing in Markdown, on one line, safe in a table. */
export function markdownText(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.replace(/[\\`*_[\]|~#]/g, '\\$&').replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** A link, or only its text where the address is none of the web. */
export function markdownLink(text: string, url: string): string {
  const safe = /^https?:\/\/[^\s<>"'`\\|]+$/i.test(url);
  return safe ? `[${markdownText(text)}](<${url}>)` : markdownText(text);
}

/** A table; `right` names the columns that hold numbers. Cells must be Markdown already. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (right.includes(i) ? '--:' : '---'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/**
 * A text with the lines between `<!-- name:start -->` and `<!-- name:end -->` replaced; everything else as it was.
 *
 * @throws RobustError `RJS_REPORT_MARKERS` when the text lacks the pair of markers.
 */
export function replaceBetween(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) {
    throw new RobustError('RJS_REPORT_MARKERS', {
      expected: `a text with the markers ${start} and ${end}, in this order`,
      got: from < 0 ? `no ${start}` : `no ${end} after the start`,
      fix: 'add both markers, each on a line of its own, where the generated part belongs',
    });
  }
  return `${text.slice(0, from + start.length)}\n\n${content.trim()}\n\n${text.slice(to)}`;
}
