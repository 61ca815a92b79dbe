export { plugin } from './plugin.ts';
export { type TradesOptions, trades } from './trades.ts';
