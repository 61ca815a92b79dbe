import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Arm, type Entry, formatTable, openData, runAll, type RunEvent, type RunSummary, writableFolder } from '@robustjs/harness';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { resumeCommand } from '../interrupt.ts';
import { duration } from '../ui/duration.ts';
import { progressView, type ProgressView } from '../ui/progress.ts';

// A run longer than this is not begun on a terminal without asking.
const ASK_SECONDS = 30 * 60;

/** How arms are run from the command line. */
export interface RunArmsOptions {
  /** Folder of the run, absolute. */
  readonly outDir: string;
  /** Threads to work with, all arms together. */
  readonly workers: number;
  /** Begin a long run without asking. */
  readonly yes: boolean;
  /** Whether to measure how long it will take before it begins. */
  readonly estimate: boolean;
}

/** Runs arms with progress, prints their table and says where everything lies. Returns the exit status. */
export async function runArms(arms: readonly Arm[], options: RunArmsOptions, context: Context): Promise<number> {
  const data = await openWithProgress(arms, context);
  await writableFolder(options.outDir);
  if (options.estimate && !(await mayBegin(arms, data, options, context))) {
    context.line('Nothing was begun. --yes begins without asking.');
    return exitCodes.failed;
  }
  const view = await progressView();
  let summary: RunSummary;
  try {
    summary = await runAll(arms, {
      outDir: options.outDir,
      workers: options.workers,
      from: context.cwd,
      signal: context.signal,
      onEvent: (event) => show(event, view),
    });
  } finally {
    view.close();
  }
  return conclude(summary, options, context);
}

type Parts = Awaited<ReturnType<typeof openData>>;

/** Opens the data before anything is started: what is missing is said once, and a download has its bar. */
async function openWithProgress(arms: readonly Arm[], { signal }: Context): Promise<Parts> {
  const view = await progressView();
  try {
    const onProgress = ({ received, total }: { received: number; total?: number }): void =>
      view.update({ name: 'download', done: megabytes(received), total: megabytes(total ?? received), unit: 'MB' });
    return await openData(arms[0]!.recipe.data, { signal, onProgress });
  } finally {
    view.close();
  }
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;

async function mayBegin(arms: readonly Arm[], { train, test }: Parts, options: RunArmsOptions, context: Context): Promise<boolean> {
  const { measureSpeed, secondsOf, startRuntime, workOf } = await import('@robustjs/harness');
  const { recipe } = arms[0]!;
  await startRuntime(recipe.runtime);
  const speed = await measureSpeed(recipe, train);
  const sizes = { train: train.size, test: test.size };
  const seconds = secondsOf(arms.map((arm) => workOf(arm.recipe, sizes)), speed, options.workers);
  context.line(`${arms.length} to run with ${options.workers} worker${options.workers > 1 ? 's' : ''}; about ${duration(seconds)} at most, by a short measurement`);
  if (options.yes || seconds < ASK_SECONDS || !process.stdin.isTTY || !process.stderr.isTTY) return true;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  // Readline takes Ctrl-C for itself while it waits: that is a no.
  const answer = await Promise.race([prompt.question('Begin? [y/N] '), new Promise<string>((resolve) => prompt.once('close', () => resolve('')))]);
  prompt.close();
  return /^y(es)?$/i.test(answer.trim());
}

function show(event: RunEvent, view: ProgressView): void {
  if (event.kind === 'done' || event.kind === 'failed' || event.kind === 'stopped') view.finish(event.id);
  switch (event.kind) {
    case 'start':
      return;
    case 'progress':
      return view.update({ ...event, name: event.id });
    case 'note':
      return view.note(`${event.id}: ${event.message}`);
    case 'part':
      return view.note(`${event.id}: ${event.part} took ${duration(event.seconds)}`);
    case 'done':
      return view.note(event.kept ? `${event.id}: already complete, kept` : `${event.id}: done`);
    case 'failed':
      return view.note(`${event.id}: failed. ${event.code}: ${event.message}`);
    case 'stopped':
      return view.note(`${event.id}: stopped`);
  }
}

function conclude(summary: RunSummary, { outDir }: RunArmsOptions, context: Context): number {
  const { entries, outcomes, report } = summary;
  const stopped = outcomes.some(({ kind }) => kind === 'stopped');
  const failed = outcomes.filter((outcome) => outcome.kind === 'failed');
  context.result({
    out: outDir,
    report: report ?? null,
    arms: outcomes.map(({ kind, ...outcome }) => ({ status: kind, ...outcome })),
    entries,
    ...(stopped && { resume: resumeCommand(context.argv, outDir) }),
  });
  printEntries(entries, context);
  for (const { id, code, message } of failed) context.line(`${id} failed. ${code}: ${message}`);
  if (report !== undefined) context.line(`report   ${report}`);
  context.line(`records  ${join(outDir, 'entries')}`);
  if (stopped) process.stderr.write(`Stopped. This continues where it was:\n  ${resumeCommand(context.argv, outDir)}\n`);
  if (stopped) return exitCodes.interrupted;
  return failed.length > 0 ? exitCodes.failed : exitCodes.ok;
}

/** Prints entries as a table. */
export function printEntries(entries: readonly Entry[], { line }: Context): void {
  if (entries.length > 0) line(`\n${formatTable(entries)}`);
}
