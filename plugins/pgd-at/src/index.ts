export { type PgdAtOptions, pgdAt } from './pgd-at.ts';
export { plugin } from './plugin.ts';
