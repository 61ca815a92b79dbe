export { exitCodes } from './exit-codes.ts';
export { main } from './program.ts';
