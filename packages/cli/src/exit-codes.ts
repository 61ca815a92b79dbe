/** Exit statuses of the command, for scripts. */
export const exitCodes = {
  /** All went well. */
  ok: 0,
  /** A check failed, a result was refused, or a part of the work failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** A file or data set given is missing, damaged or of the wrong kind. */
  data: 3,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const;

const USAGE = /^RJS_(USAGE|TRACK|EPS|NORM|SEED|ATTACK_(OPTION|NORM|TARGETS|BUDGET)|METHOD|METHOD_OPTIONS|PLUGIN_ID|RUNTIME|DATA_ID|EVALUATE_OPTION|MODEL_OPTION)$/;
const DATA = /^RJS_(DATA_\w+|FILE|EVALUATE_\w+|INPUT_\w+|SAFETENSORS|WEIGHTS|NETWORK_FILE|MODEL_\w+|RECIPE|ARCHITECTURE|ENTRY|EXAMPLES|COMPARE|RUN_FOLDER|CHECKPOINT)$/;

/** The exit status for an error with this code. */
export function exitCodeOf(code: string): number {
  if (code === 'RJS_ABORTED') return exitCodes.interrupted;
  if (USAGE.test(code)) return exitCodes.usage;
  return DATA.test(code) ? exitCodes.data : exitCodes.failed;
}
