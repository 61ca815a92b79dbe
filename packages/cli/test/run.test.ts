import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entryFromJson, formatTable, loadNetwork, parseRecipe, renderLeaderboardReadme, startRuntime } from '@robustjs/harness';
import { exportPlain } from '@robustjs/nn';
import { parseNpy } from '@robustjs/datasets';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Finished, finished, parsed, robustjs, temporaryFolder } from './support.ts';

const cwd = temporaryFolder();
const only = ['--tier', 'smoke', '--only', 'standard,advprop'];
// Anything below a space but line ends, and the byte that begins terminal commands in other encodings.
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

const files = (run: string): Record<string, Buffer> =>
  Object.fromEntries(['entries', 'networks'].flatMap((part) => readdirSync(join(cwd, run, part)).map((name) => [name, readFileSync(join(cwd, run, part, name))])));

/** One Ctrl-C, when the command first says this; a second one would end it at once. */
function interruptAt(what: RegExp): (text: string, child: ChildProcess) => void {
  let done = false;
  return (text, child) => {
    if (!done && what.test(text)) done = child.kill('SIGINT');
  };
}

const entry = (run: string, id: string) => entryFromJson(readFileSync(join(cwd, run, 'entries', `${id}.json`), 'utf8'));

describe('robustjs bench, outside of a repository', () => {
  let whole: Finished;
  beforeAll(async () => {
    whole = await robustjs(['bench', ...only, '--out', 'whole'], cwd);
  });

  it('runs a track and leaves its files', () => {
    expect(whole.stderr).not.toContain('error');
    expect(whole.code).toBe(0);
    for (const name of ['entries/standard.json', 'entries/advprop.examples.jsonl', 'networks/advprop.safetensors', 'timing.json', 'log.jsonl', 'report.html']) {
      expect(existsSync(join(cwd, 'whole', name)), name).toBe(true);
    }
  });

  it('prints the table of the entries it wrote', () => {
    expect(whole.stdout).toContain(formatTable([entry('whole', 'standard'), entry('whole', 'advprop')]));
  });

  it('writes plain lines in a pipe', () => {
    expect(whole.stdout + whole.stderr).not.toMatch(CONTROL);
    expect(whole.stderr).toMatch(/(standard|advprop), training: \d+\/16 steps/);
  });

  it('keeps what is complete, and says it in one JSON object', async () => {
    const before = files('whole');
    const { code, stdout } = await robustjs(['bench', ...only, '--out', 'whole', '--json'], cwd);
    expect(code).toBe(0);
    const { arms, entries, report } = parsed<{ arms: object[]; entries: object[]; report: string }>(stdout);
    expect(arms).toEqual([{ status: 'done', id: 'standard', kept: true }, { status: 'done', id: 'advprop', kept: true }]);
    expect(entries).toEqual([entry('whole', 'standard'), entry('whole', 'advprop')]);
    expect(report).toBe(join(cwd, 'whole', 'report.html'));
    expect(files('whole')).toEqual(before);
  });

  it('stops at Ctrl-C, says how to go on, and goes on to the same bytes', async () => {
    const args = ['bench', ...only, '--workers', '1', '--out', 'stopped'];
    const { code, stderr } = await robustjs(args, cwd, interruptAt(/training:/));
    expect(code).toBe(130);
    expect(existsSync(join(cwd, 'stopped', 'entries'))).toBe(false);
    const command = stderr.trimEnd().split('\n').at(-1)!.trim();
    expect(command).toMatch(/^node \S+main\.js bench --tier smoke .*--out stopped$/);
    const resumed = await finished(spawn(command, { cwd, shell: true, stdio: ['ignore', 'pipe', 'pipe'] }));
    expect(resumed.code).toBe(0);
    expect(files('stopped')).toEqual(files('whole'));
  });

  describe('with its networks', () => {
    it('evaluates one with the data and budget it was trained for', async () => {
      const { code, stdout } = await robustjs(['evaluate', 'whole/networks/standard.safetensors', '--examples', '30', '--attacks', 'noise:draws=3,pgd:steps=3', '--json', '--out', 'evaluated'], cwd);
      expect(code).toBe(0);
      const { entry: measured } = parsed<{ entry: ReturnType<typeof entry> }>(stdout);
      expect(measured.clean.n).toBe(30);
      expect(measured.evaluations.map(({ threat, attacks }) => [threat.type, threat.eps, attacks.map(({ id }) => id)])).toEqual([['Linf', 0.2, ['noise', 'pgd']]]);
      expect(measured.model.weightsSha256).toBe(entry('whole', 'standard').model.weightsSha256);
      expect(measured.training).toEqual(entry('whole', 'standard').training);
      expect(entry('evaluated', 'standard')).toEqual(measured);
    });

    it('evaluates a tf.LayersModel from its model.json to the same figures', async () => {
      // The same network, exported to plain TF.js: only the record's words about where it comes from may differ.
      await startRuntime('wasm');
      const { network } = await loadNetwork(readFileSync(join(cwd, 'whole/networks/standard.safetensors')));
      const { modelTopology, weightSpecs, weightData } = await exportPlain(network);
      mkdirSync(join(cwd, 'plain'));
      writeFileSync(join(cwd, 'plain', 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
      const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      writeFileSync(join(cwd, 'plain', 'model.json'), JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest: manifest }));
      const options = ['--eps', '0.2', '--examples', '30', '--attacks', 'noise:draws=3,pgd:steps=3', '--json'];
      const { code, stdout } = await robustjs(['evaluate', 'plain/model.json', ...options], cwd);
      expect(code).toBe(0);
      const { entry: measured } = parsed<{ entry: ReturnType<typeof entry> }>(stdout);
      const { clean, evaluations, dataset } = entry('evaluated', 'standard');
      expect(measured).toMatchObject({ clean, dataset, method: { id: 'unknown' }, model: { architecture: 'tf.LayersModel' } });
      expect(measured.evaluations[0]!.robust).toEqual(evaluations[0]!.robust);
    });

    it('attacks test examples and writes pictures and arrays', async () => {
      const { code, stdout } = await robustjs(['attack', 'whole/networks/standard.safetensors', '--examples', '3', '--eps', '0.3', '--attack', 'pgd:steps=5', '--json'], cwd);
      expect(code).toBe(0);
      const { files: written, outcomes } = parsed<{ files: string[]; outcomes: { distance: number }[] }>(stdout);
      expect(written.filter((name) => name.endsWith('.png'))).toHaveLength(6);
      const [clean, adversarial] = ['clean.npy', 'adversarial.npy'].map((name) => parseNpy(readFileSync(join(cwd, 'adversarial', name)), name));
      expect(adversarial!.shape).toEqual([3, 28, 28, 1]);
      // Oracle: the largest change, value by value.
      const size = 28 * 28;
      outcomes.forEach(({ distance }, row) => {
        const changes = Array.from({ length: size }, (_, i) => Math.abs(adversarial!.values[row * size + i]! - clean!.values[row * size + i]!));
        expect(distance).toBeCloseTo(Math.max(...changes), 6);
        expect(distance).toBeLessThanOrEqual(0.3 + 1e-5);
      });
    });

    it('attacks inputs from files', async () => {
      const args = ['--inputs', 'adversarial/clean.npy', '--labels', 'adversarial/labels.npy', '--attack', 'fgsm', '--out', 'again', '--json'];
      const { code, stdout } = await robustjs(['attack', 'whole/networks/standard.safetensors', ...args], cwd);
      expect(code).toBe(0);
      expect(parsed<{ n: number; threat: object }>(stdout)).toMatchObject({ n: 3, threat: { type: 'Linf', eps: 0.2 } });
    });

    it('compares two entries on the same examples', async () => {
      const [a, b] = ['standard', 'advprop'].map((id) => `whole/entries/${id}.json`);
      const { code, stdout } = await robustjs(['compare', a!, b!, '--json'], cwd);
      expect(code).toBe(0);
      const { differences } = parsed<{ differences: { eps: number | null; difference: number; n: number }[] }>(stdout);
      const clean = entry('whole', 'standard').clean.correct - entry('whole', 'advprop').clean.correct;
      expect(differences[0]).toMatchObject({ eps: null, n: 40 });
      expect(differences[0]!.difference).toBeCloseTo(clean / 40, 10);
      expect(differences.map(({ eps }) => eps)).toEqual([null, 0.1, 0.2]);
    });
  });
});

describe('robustjs leaderboard, in a repository', () => {
  it('publishes a run, notices a stale table, and lets published networks be named', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'package.json'), '{ "name": "@robustjs/root" }');
    mkdirSync(join(root, 'benchmarks'));
    const readme = join(root, 'benchmarks', 'README.md');
    const marked = '# Results\n\n<!-- leaderboard:start -->\n<!-- leaderboard:end -->\n';
    writeFileSync(readme, marked);

    expect(await robustjs(['leaderboard', '--add', join(cwd, 'whole')], root)).toMatchObject({ code: 0 });
    const results = join(root, 'benchmarks', 'results', 'image-classification');
    expect(readdirSync(results).sort()).toEqual(['advprop', 'standard'].flatMap((id) => [`${id}.examples.jsonl`, `${id}.json`, `${id}.safetensors`]).concat('timing.json').sort());
    expect(readFileSync(readme, 'utf8')).toBe(renderLeaderboardReadme(marked, [entry('whole', 'advprop'), entry('whole', 'standard')]));

    expect(await robustjs(['leaderboard', '--check'], root)).toMatchObject({ code: 0 });
    writeFileSync(readme, marked);
    const stale = await robustjs(['leaderboard', '--check', '--json'], root);
    expect(stale.code).toBe(1);
    expect(parsed(stale.stdout)).toMatchObject({ stale: true, written: false });
    expect(readFileSync(readme, 'utf8')).toBe(marked);

    expect((await robustjs(['compare', 'standard', 'advprop'], root)).stdout).toContain('standard minus advprop');
    expect((await robustjs(['bench', ...only, '--missing'], root)).stdout).toContain('Nothing is missing.');
    const misspelt = await robustjs(['evaluate', 'standart'], root);
    expect(misspelt.stderr).toContain('did you mean standard?');
    const evaluated = await robustjs(['evaluate', 'standard', '--examples', '8', '--attacks', 'fgsm', '--json'], root);
    expect(parsed(evaluated.stdout)).toMatchObject({ entry: { id: 'standard', clean: { n: 8 } } });
  });
});

describe('robustjs train', () => {
  it('trains a method named on the command line and stores the recipe it followed', async () => {
    const args = ['--method', 'standard', '--architecture', 'small-cnn', '--epochs', '1', '--examples', '64', '--batch-size', '32', '--learning-rate', '0.01', '--seed', '3'];
    // The evaluation of the small tier is for minutes; what is tested here is the recipe.
    const { code, stdout } = await robustjs(['train', ...args, '--out', 'trained', '--json'], cwd, interruptAt(/train took/));
    expect(code).toBe(130);
    const { arms, resume } = parsed<{ arms: { id: string; status: string }[]; resume: string }>(stdout);
    expect(arms).toEqual([{ id: 'standard-seed3', status: 'stopped' }]);
    expect(resume).toContain('train --method standard');
    const header = readFileSync(join(cwd, 'trained', 'networks', 'standard-seed3.safetensors'));
    const { __metadata__: metadata } = JSON.parse(header.subarray(8, 8 + Number(header.readBigUInt64LE(0))).toString()) as { __metadata__: { recipe: string } };
    expect(parseRecipe(JSON.parse(metadata.recipe))).toMatchObject({
      tier: 'custom', seed: 3, data: { train: 64 }, training: { epochs: 1, batchSize: 32, learningRate: 0.01 }, method: { package: 'standard' },
    });
  });
});
