export * from './compare-reference.ts';
export * from './reference.ts';
