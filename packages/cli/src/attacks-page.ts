import { type AttackFacts, attacks, catalogue } from '@robustjs/attacks';

/** What one attack costs a row that nothing breaks, in words. */
export function costText({ cost: { gradients, queries } }: AttackFacts): string {
  const part = (formula: string | undefined, unit: string): string[] => (formula === undefined ? [] : [`${unit}: ${formula}`]);
  return [...part(gradients, 'gradients'), ...part(queries, 'queries')].join('; ');
}

/** The options of an attack that are at their defaults, in words. */
export const defaultsText = (id: string): string =>
  Object.entries(attacks[id]!().config).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ');

/** docs/attacks.md: the catalogue as a page. */
export function attacksPage(): string {
  const all = Object.entries(catalogue);
  const budgets = { fixed: 'spends it', 'minimum-norm': 'nearest, or the first inside it' } as const;
  const facts = all.map(([id, row]) => [`\`${id}\``, row.norms.join(', '), row.targeted ? 'yes' : 'no', row.needs, budgets[row.budget], costText(row)]);
  const origins = all.map(([id, { source, oracle }]) => [`\`${id}\``, defaultsText(id).replaceAll('"', '').replaceAll('*', '\\*'), source, oracle]);
  return `# Attacks

Made by \`robustjs leaderboard\` from the catalogue of [@robustjs/attacks](../packages/attacks); do not edit. Every line of the first table is
verified by a test that runs the attack: under each norm, with targets, on a model without gradients, on one that only
decides, without a budget, and on one that nothing breaks, where it counts what was spent.

- **Targets**: \`targets\` of \`runAttack\` make it move towards classes. Without: it only moves away from the label.
- **Learns**: what it needs of the model. \`nothing\`: it only proposes, and the framework judges.
- **Budget**: what it does with eps. An attack that looks for the nearest adversarial input takes an eps of \`Infinity\` too.
- **Cost a row**: forward passes with and without a gradient for a row that nothing breaks, from the attack's options; K is the number
  of classes, d the number of values in an input. A row that is broken costs less.

${table(['Attack', 'Norms', 'Targets', 'Learns', 'Budget', 'Cost a row'], facts)}

${table(['Attack', 'Options and defaults', 'Source', 'Tested against'], origins)}
`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
