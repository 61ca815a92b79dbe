import { duration, rate } from './duration.ts';

/** One thing that is going on: how much of it is done. */
export interface Progress {
  readonly name: string;
  /** What it is at; rate and time left are those of this stage. */
  readonly stage?: string;
  readonly done: number;
  readonly total: number;
  /** What is counted, such as `steps`. */
  readonly unit: string;
}

/** Shows how work goes. */
export interface ProgressView {
  update(progress: Progress): void;
  /** A line between the bars. */
  note(text: string): void;
  /** Removes the line of something that has ended. */
  finish(name: string): void;
  close(): void;
}

// Between lines of one name in a pipe.
const LINE_SECONDS = 5;

/** Bars on a terminal; in a pipe plain lines, few and without control characters. On stderr, so stdout stays clean. */
export async function progressView(stream: NodeJS.WriteStream = process.stderr): Promise<ProgressView> {
  return stream.isTTY ? bars(stream) : lines((text) => void stream.write(`${text}\n`));
}

/** Progress as plain lines. */
export function lines(write: (text: string) => void, now: () => number = () => performance.now() / 1000): ProgressView {
  const speeds = new Map<string, Speed>();
  let written = -Infinity;
  return {
    update(progress) {
      const speed = speedOf(speeds, progress, now());
      if (now() - written < LINE_SECONDS) return;
      written = now();
      write(`${titleOf(progress)}: ${progress.done}/${progress.total} ${progress.unit}, ${words(speed, progress)}`);
    },
    note: write,
    finish: (name) => void speeds.delete(name),
    close: () => {},
  };
}

async function bars(stream: NodeJS.WriteStream): Promise<ProgressView> {
  const { MultiBar, Presets } = (await import('cli-progress')).default;
  const multi = new MultiBar(
    { stream, hideCursor: true, clearOnComplete: true, autopadding: true, format: '{bar} {percentage}% {title}: {words}', barsize: 24 },
    Presets.shades_classic,
  );
  const speeds = new Map<string, Speed>();
  const shown = new Map<string, ReturnType<typeof multi.create>>();
  return {
    update(progress) {
      const { name, done, total } = progress;
      const payload = { title: titleOf(progress), words: words(speedOf(speeds, progress, performance.now() / 1000), progress) };
      const bar = shown.get(name);
      if (bar === undefined) shown.set(name, multi.create(total, done, payload));
      else {
        bar.setTotal(total);
        bar.update(done, payload);
      }
    },
    note: (text) => multi.log(`${text}\n`),
    finish(name) {
      const bar = shown.get(name);
      if (bar !== undefined) multi.remove(bar);
      shown.delete(name);
      speeds.delete(name);
    },
    close: () => multi.stop(),
  };
}

const titleOf = ({ name, stage }: Progress): string => (stage === undefined ? name : `${name}, ${stage}`);

interface Speed {
  readonly stage: string | undefined;
  readonly from: number;
  readonly since: number;
  readonly now: number;
}

/** Since the first report of a stage: a resumed run does not count what was done before. */
function speedOf(speeds: Map<string, Speed>, { name, stage, done }: Progress, now: number): Speed {
  const before = speeds.get(name);
  const first = before?.stage === stage ? before : undefined;
  const speed = { stage, from: first?.from ?? done, since: first?.since ?? now, now };
  speeds.set(name, speed);
  return speed;
}

function words({ from, since, now }: Speed, { done, total, unit }: Progress): string {
  const perSecond = (done - from) / (now - since);
  if (!(perSecond > 0) || !Number.isFinite(perSecond)) return done >= total ? 'done' : 'starting';
  return `${rate(perSecond)} ${unit}/s, ${duration((total - done) / perSecond)} left`;
}
