import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entryFromJson, examplesFromJsonl, formatRetrievalTable, formatTable, loadNetwork, openData, parseRecipe, renderLeaderboardReadme, retrievalEntryFromJson, startRuntime } from '@robustjs/harness';
import { exportPlain } from '@robustjs/nn';
import { parseNpy, writeNpy } from '@robustjs/datasets';
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

/** The part of a tf.LayersModel's topology that the tests change. */
interface Graph {
  layers: { name: string; class_name: string; config: Record<string, unknown>; inbound_nodes: unknown }[];
  output_layers: unknown;
}

const entry = (run: string, id: string) => entryFromJson(readFileSync(join(cwd, run, 'entries', `${id}.json`), 'utf8'));
const evaluatedIn = (run: string) => entryFromJson(readFileSync(join(cwd, run, 'entry.json'), 'utf8'));

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
      const { code, stdout } = await robustjs(['evaluate', 'whole/networks/standard.safetensors', '--examples', '30', '--attacks', 'noise:draws=3,pgd:steps=3', '--checks', 'quick', '--json', '--out', 'evaluated'], cwd);
      expect(code).toBe(0);
      const { entry: measured } = parsed<{ entry: ReturnType<typeof entry> }>(stdout);
      expect(measured.clean.n).toBe(30);
      expect(measured.evaluations.map(({ threat, attacks }) => [threat.type, threat.eps, attacks.map(({ id }) => id)])).toEqual([['Linf', 0.2, ['noise', 'pgd']]]);
      expect(measured.model.weightsSha256).toBe(entry('whole', 'standard').model.weightsSha256);
      expect(measured.training).toEqual(entry('whole', 'standard').training);
      expect(evaluatedIn('evaluated')).toEqual(measured);
      expect(readdirSync(join(cwd, 'evaluated')).sort()).toEqual(['adversarial.npy', 'command.json', 'entry.json', 'evaluation.journal', 'examples.jsonl', 'report.html', 'timing.json']);
    });

    it('goes on in a folder, and refuses to mix another command in', async () => {
      const args = ['evaluate', '--model', 'whole/networks/standard.safetensors', '--examples', '30', '--attacks', 'noise:draws=3,pgd:steps=3', '--checks', 'quick', '--out', 'evaluated'];
      const before = readFileSync(join(cwd, 'evaluated', 'entry.json'));
      expect(await robustjs([...args, '--workers', '1'], cwd)).toMatchObject({ code: 0 });
      expect(readFileSync(join(cwd, 'evaluated', 'entry.json'))).toEqual(before);
      const { code, stderr } = await robustjs([...args, '--seed', '1'], cwd);
      expect(code).toBe(3);
      expect(stderr).toMatch(/RJS_EVALUATE_FOLDER.*seed/);
    });

    it.each(['wasm', 'cpu'])('verifies a result from its files alone, on %s', async (backend) => {
      const { code, stdout } = await robustjs(['verify', 'evaluated', '--backend', backend, '--json'], cwd);
      expect(code).toBe(0);
      expect(parsed<{ holds: boolean; checks: { what: string }[] }>(stdout)).toMatchObject({ holds: true, backend: expect.stringContaining(backend) as string });
    });

    it('runs and fetches nothing that a folder names, unless it is named again', async () => {
      const at = join(cwd, 'evaluated', 'command.json');
      const honest = readFileSync(at, 'utf8');
      const marker = join(cwd, 'it-ran');
      writeFileSync(join(cwd, 'evaluated', 'model.mjs'), `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(marker)}, '');\nexport const inputShape = [28, 28, 1];\nexport const predict = (x) => x.arraySync().map(() => Array(10).fill(0));\n`);
      // A network of ours whose method is a file: its header says so.
      const bytes = readFileSync(join(cwd, 'whole/networks/standard.safetensors'));
      const length = Number(bytes.readBigUInt64LE(0));
      const header = bytes.subarray(8, 8 + length).toString().replace('\\"package\\":\\"standard\\"', '\\"package\\":\\"./model.mjs\\"').trimEnd();
      const padded = Buffer.from(header.padEnd(8 * Math.ceil(header.length / 8)));
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(padded.length));
      writeFileSync(join(cwd, 'evaluated', 'own.safetensors'), Buffer.concat([size, padded, bytes.subarray(8 + length)]));
      const models = ['model.mjs', './model.js', 'https://localhost:1/model.json', 'file:///model.json', 'own.safetensors'];
      for (const model of models) {
        writeFileSync(at, JSON.stringify({ ...parsed<object>(honest), model, cwd: join(cwd, 'evaluated') }));
        const { code, stderr } = await robustjs(['verify', 'evaluated'], cwd);
        expect([code, stderr]).toEqual([2, expect.stringMatching(/RJS_USAGE.*--model/)]);
        expect(existsSync(marker)).toBe(false);
      }
      expect((await robustjs(['verify', 'evaluated', '--model', 'evaluated/model.mjs'], cwd)).code).toBe(1);
      expect(existsSync(marker)).toBe(true);
      writeFileSync(at, honest);
    });

    it('finds a result that was made better', async () => {
      const honest = readFileSync(join(cwd, 'evaluated', 'entry.json'), 'utf8');
      const lie = parsed<ReturnType<typeof entry>>(honest);
      lie.clean.correct -= 1;
      writeFileSync(join(cwd, 'evaluated', 'entry.json'), JSON.stringify(lie));
      const { code, stdout } = await robustjs(['verify', 'evaluated'], cwd);
      writeFileSync(join(cwd, 'evaluated', 'entry.json'), honest);
      expect(code).toBe(1);
      expect(stdout).toMatch(/DOES NOT HOLD {2}clean accuracy/);
    });

    it('evaluates images from files in their order, bytes as floats', async () => {
      const { test } = await openData({ id: 'mnist' });
      const rows = Int32Array.from({ length: 12 }, (_, row) => row);
      const values = await test.read(rows);
      writeFileSync(join(cwd, 'x.npy'), writeNpy(values, [12, 28, 28, 1]));
      writeFileSync(join(cwd, 'bytes.npy'), writeNpy(Uint8Array.from(values, (value) => Math.round(255 * value)), [12, 28, 28, 1]));
      writeFileSync(join(cwd, 'y.npy'), writeNpy(Int32Array.from(rows, (row) => test.labels[row]!), [12]));
      const results = ['x', 'bytes'].map(async (name) => {
        const args = ['evaluate', '--model', 'whole/networks/standard.safetensors', '--images', `${name}.npy`, '--labels', 'y.npy', '--threat', 'L2', '--eps', '1', '--suite', 'smoke', '--workers', '0', '--no-curve', '--out', name];
        expect((await robustjs(args, cwd)).stderr).not.toContain('error');
        const { shape, values: adversarial } = parseNpy(readFileSync(join(cwd, name, 'adversarial.npy')), name);
        expect(shape).toEqual([12, 28, 28, 1]);
        const examples = examplesFromJsonl(readFileSync(join(cwd, name, 'examples.jsonl'), 'utf8'));
        expect(examples.map(({ index }) => index)).toEqual(Array.from(rows));
        // Oracle: the distance of each row to the image in the same row of the file.
        examples.forEach(({ outcomes: [outcome] }, row) => {
          const change = Math.hypot(...Array.from({ length: 784 }, (_, i) => adversarial[row * 784 + i]! - values[row * 784 + i]!));
          expect(change).toBeCloseTo(outcome!.distances?.L2 ?? 0, 5);
          expect(change).toBeLessThanOrEqual(1.00001);
        });
        return evaluatedIn(name);
      });
      const [floats, bytes] = await Promise.all(results);
      expect(bytes!.evaluations).toEqual(floats!.evaluations);
      expect(await robustjs(['verify', 'x'], cwd)).toMatchObject({ code: 0 });
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
      const options = ['--eps', '0.2', '--examples', '30', '--attacks', 'noise:draws=3,pgd:steps=3', '--checks', 'quick', '--json'];
      const { code, stdout } = await robustjs(['evaluate', 'plain/model.json', ...options], cwd);
      expect(code).toBe(0);
      const { entry: measured } = parsed<{ entry: ReturnType<typeof entry> }>(stdout);
      const { clean, evaluations, dataset } = evaluatedIn('evaluated');
      expect(measured).toMatchObject({ clean, dataset, method: { id: 'unknown' }, model: { architecture: 'tf.LayersModel' } });
      expect(measured.evaluations[0]!.robust).toEqual(evaluations[0]!.robust);
    });

    it('leaves out the softmax at the end of a tf.LayersModel, whether a layer of its own or an activation', async () => {
      const { modelTopology, weightsManifest } = parsed<{ modelTopology: { config: Graph }; weightsManifest: object }>(readFileSync(join(cwd, 'plain', 'model.json'), 'utf8'));
      const graph = modelTopology.config;
      const [[last]] = graph.output_layers as [[string, number, number]];
      const softened = structuredClone(graph);
      const output = softened.layers.find(({ name }) => name === last)!;
      output.config['activation'] = 'softmax';
      const softmax = { name: 'softmax', class_name: 'Softmax', config: { name: 'softmax', axis: -1 }, inbound_nodes: [[[last, 0, 0, {}]]] };
      const appended = { ...graph, layers: [...graph.layers, softmax], output_layers: [['softmax', 0, 0]] };
      const options = ['--eps', '0.2', '--examples', '30', '--attacks', 'noise:draws=3,pgd:steps=3', '--checks', 'quick'];
      for (const config of [softened, appended]) {
        const topology = { ...modelTopology, config };
        writeFileSync(join(cwd, 'plain', 'soft.json'), JSON.stringify({ format: 'layers-model', modelTopology: topology, weightsManifest }));
        const { code, stdout, stderr } = await robustjs(['evaluate', 'plain/soft.json', ...options, '--json'], cwd);
        expect(code, stderr).toBe(0);
        // Before the first job, not after hours.
        expect(stderr).toMatch(/Its final softmax is left out[^]*\d+\/\d+ images/);
        // Oracle: the same network without it.
        const { entry: measured } = parsed<{ entry: ReturnType<typeof entry> }>(stdout);
        expect(measured.evaluations[0]!.robust).toEqual(evaluatedIn('evaluated').evaluations[0]!.robust);
        expect(measured.sanity.find(({ id }) => id === 'S03')?.status).toBe('pass');
      }
    });

    it('asks back about a budget that allows every image', async () => {
      for (const command of ['evaluate', 'attack']) {
        const { code, stderr } = await robustjs([command, 'whole/networks/standard.safetensors', '--eps', '8', '--out', 'beyond'], cwd);
        expect(code).toBe(2);
        expect(stderr).toContain('8/255');
      }
    });

    it('takes no default for a budget in other units, and says which it takes', async () => {
      for (const command of ['evaluate', 'attack']) {
        const { code, stderr } = await robustjs([command, 'whole/networks/standard.safetensors', '--threat', 'L2', '--out', 'unsaid'], cwd);
        expect(code).toBe(2);
        expect(stderr).toMatch(/RJS_USAGE.*--eps beside L2/);
      }
      const { stdout } = await robustjs(['evaluate', 'whole/networks/standard.safetensors', '--examples', '3', '--attacks', 'fgsm', '--checks', 'quick', '--no-curve', '--forward-passes', '2', '--json', '--out', 'declared'], cwd);
      expect(parsed<{ entry: ReturnType<typeof entry> }>(stdout).entry.model.forwardPasses).toBe(2);
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

    it.each([
      ['jsma', 'L0', 20], ['pgd-l0:steps=5', 'L0', 20], ['roa:stride=4:candidates=2:steps=5', 'patch', 5], ['random-patch', 'patch', 5],
      ['adversarial-framing:steps=3', 'framing', 2], ['random-pixels', 'pixels', 20],
    ])('attacks by pixels with %s under %s %i, whatever the batch', async (attack, threat, eps) => {
      const at = async (size: number): Promise<Buffer> => {
        const args = ['--examples', '3', '--threat', threat, '--eps', String(eps), '--attack', attack, '--batch-size', String(size), '--out', `by-${size}`];
        const { code, stdout, stderr } = await robustjs(['attack', 'whole/networks/standard.safetensors', ...args], cwd);
        expect(code, stderr).toBe(0);
        expect(stdout).toContain(`at ${threat} ${eps} pixels`);
        return readFileSync(join(cwd, `by-${size}`, 'adversarial.npy'));
      };
      const [pairwise, whole] = [await at(2), await at(100)];
      expect(pairwise).toEqual(whole);
      // Oracle: pixels that differ, counted; a square of 5 has 25, a frame of width 2 what an image of 24 leaves of one of 28.
      const most = { L0: eps, patch: eps * eps, framing: 28 * 28 - 24 * 24, pixels: eps }[threat]!;
      const [clean, adversarial] = ['clean.npy', 'adversarial.npy'].map((name) => parseNpy(readFileSync(join(cwd, 'by-100', name)), name).values);
      const changed = [0, 1, 2].map((row) => Array.from({ length: 784 }, (_, i) => row * 784 + i).filter((i) => clean![i] !== adversarial![i]).length);
      expect(Math.max(...changed)).toBeGreaterThan(0);
      expect(Math.max(...changed)).toBeLessThanOrEqual(most);
    });

    it('attacks inputs from files', async () => {
      const args = ['--inputs', 'adversarial/clean.npy', '--labels', 'adversarial/labels.npy', '--attack', 'fgsm', '--out', 'again', '--json'];
      const { code, stdout } = await robustjs(['attack', 'whole/networks/standard.safetensors', ...args], cwd);
      expect(code).toBe(0);
      expect(parsed<{ n: number; threat: object }>(stdout)).toMatchObject({ n: 3, threat: { type: 'Linf', eps: 0.2 } });
    });

    it('refuses inputs and labels that would give a wrong count', async () => {
      const { values, shape } = parseNpy(readFileSync(join(cwd, 'adversarial', 'clean.npy')), 'clean');
      const bytes = Float32Array.from(values, (value) => 255 * value);
      const save = (name: string, data: Float32Array | Int32Array, of: readonly number[]): void => writeFileSync(join(cwd, name), writeNpy(data, of));
      save('ok.npy', Float32Array.from(values), shape);
      save('bytes.npy', bytes, shape);
      save('flat.npy', Float32Array.from(values), [3, 784]);
      save('three.npy', Int32Array.of(1, 2, 3), [3]);
      save('beyond.npy', Int32Array.of(1, 2, 93), [3]);
      save('halves.npy', Float32Array.of(1, 2, 2.5), [3]);
      const refusals: [string, string, RegExp][] = [
        ['bytes.npy', 'three.npy', /RJS_EVALUATE_RANGE.*bytes/],
        ['flat.npy', 'three.npy', /RJS_DATA_MISMATCH.*28, 28, 1/],
        ['ok.npy', 'beyond.npy', /RJS_EVALUATE_LABELS.*93/],
        ['ok.npy', 'halves.npy', /RJS_EVALUATE_LABELS.*2\.5/],
      ];
      for (const [inputs, labels, says] of refusals) {
        const { code, stderr } = await robustjs(['attack', 'whole/networks/standard.safetensors', '--inputs', inputs, '--labels', labels, '--out', 'refused'], cwd);
        expect(stderr).toMatch(says);
        expect(code).toBe(3);
      }
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

    // Twenty images are no measurement to publish, and nothing of the run is copied.
    const refused = await robustjs(['leaderboard', '--add', join(cwd, 'whole')], root);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/RJS_PUBLICATION.*advprop: 20 examples, .*\(small-sample\); standard: 20 examples/)]);
    expect(existsSync(join(root, 'benchmarks', 'results'))).toBe(false);

    // The same run, as if there had been five hundred.
    cpSync(join(cwd, 'whole'), join(cwd, 'fit'), { recursive: true });
    for (const id of ['standard', 'advprop']) {
      const { refused: _, ...honest } = entry('whole', id);
      const larger = {
        ...honest, clean: { ...honest.clean, correct: 450, n: 500 }, flags: [], unreliable: false,
        evaluations: honest.evaluations.map((one) => ({ ...one, robust: { ...one.robust, n: 500 } })),
        sanity: honest.sanity.map((one) => ({ ...one, status: one.status === 'fail' ? 'pass' : one.status })),
      };
      writeFileSync(join(cwd, 'fit', 'entries', `${id}.json`), JSON.stringify(larger));
    }
    expect(await robustjs(['leaderboard', '--add', join(cwd, 'fit')], root)).toMatchObject({ code: 0 });
    const results = join(root, 'benchmarks', 'results', 'image-classification');
    expect(readdirSync(results).sort()).toEqual(['advprop', 'standard'].flatMap((id) => [`${id}.examples.jsonl`, `${id}.json`, `${id}.safetensors`]).concat('timing.json').sort());
    expect(readFileSync(readme, 'utf8')).toBe(renderLeaderboardReadme(marked, [entry('fit', 'advprop'), entry('fit', 'standard')]));

    expect(await robustjs(['leaderboard', '--check'], root)).toMatchObject({ code: 0 });
    writeFileSync(readme, marked);
    const stale = await robustjs(['leaderboard', '--check', '--json'], root);
    expect(stale.code).toBe(1);
    expect(parsed(stale.stdout)).toMatchObject({ stale: ['benchmarks/README.md'], written: false });
    expect(readFileSync(readme, 'utf8')).toBe(marked);

    // A plugin's page takes its own figures and the undefended network's.
    const pluginPage = join(root, 'plugins', 'advprop', 'README.md');
    mkdirSync(join(root, 'plugins', 'advprop'), { recursive: true });
    writeFileSync(pluginPage, '<!-- result:start -->\n<!-- result:end -->\n');
    expect(await robustjs(['leaderboard'], root)).toMatchObject({ code: 0 });
    expect(readFileSync(pluginPage, 'utf8')).toMatch(/advprop .*\n.*standard/);

    expect((await robustjs(['compare', 'standard', 'advprop'], root)).stdout).toContain('standard minus advprop');
    expect((await robustjs(['bench', ...only, '--missing'], root)).stdout).toContain('Nothing is missing.');
    const misspelt = await robustjs(['evaluate', 'standart'], root);
    expect(misspelt.stderr).toContain('did you mean standard?');
    const evaluated = await robustjs(['evaluate', 'standard', '--examples', '8', '--attacks', 'fgsm', '--json'], root);
    expect(parsed(evaluated.stdout)).toMatchObject({ entry: { id: 'standard', clean: { n: 8 } } });
  });
});

describe('robustjs bench --track metric-learning', () => {
  const retrieval = ['bench', '--track', 'metric-learning', '--tier', 'smoke', '--only', 'plain'];
  let ran: Finished;
  beforeAll(async () => {
    // The digits that come with the command: a folder is looked at for other data sets only.
    ran = await robustjs([...retrieval, '--data-dir', 'digits', '--out', 'retrieval'], cwd);
  });

  it('leaves a record, outcomes, a network and a report, and prints their table', () => {
    expect(ran.stderr).not.toContain('error');
    expect(ran.code).toBe(0);
    for (const name of ['entries/plain.examples.jsonl', 'networks/plain.safetensors', 'timing.json', 'report.html']) expect(existsSync(join(cwd, 'retrieval', name)), name).toBe(true);
    const measured = retrievalEntryFromJson(readFileSync(join(cwd, 'retrieval', 'entries', 'plain.json'), 'utf8'));
    expect(measured).toMatchObject({ id: 'plain', track: 'metric-learning', dataset: { classes: 3 }, queries: { n: 24 } });
    expect(ran.stdout).toContain(formatRetrievalTable([measured]));
    // No path of this machine in what is published.
    for (const name of ['entries/plain.json', 'networks/plain.safetensors']) expect(readFileSync(join(cwd, 'retrieval', name), 'latin1'), name).not.toContain(cwd);
  });

  it('finds nothing missing once it is published, wherever the data lie', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'package.json'), '{ "name": "@robustjs/root" }');
    mkdirSync(join(root, 'benchmarks'));
    expect(await robustjs(['leaderboard', '--add', join(cwd, 'retrieval')], root)).toMatchObject({ code: 0 });
    expect(readdirSync(join(root, 'benchmarks', 'results', 'metric-learning')).sort()).toEqual(['plain.examples.jsonl', 'plain.json', 'plain.safetensors', 'timing.json']);
    for (const more of [[], ['--data-dir', 'elsewhere']]) {
      const { code, stdout } = await robustjs([...retrieval, '--missing', ...more], root);
      expect(stdout).toContain('Nothing is missing.');
      expect(code).toBe(0);
    }
    // Another seed is another arm.
    const begun = await robustjs(['bench', '--track', 'metric-learning', '--tier', 'smoke', '--only', 'plain-seed1', '--missing', '--seed', '1', '--out', 'more', '--json'], root);
    expect(parsed(begun.stdout)).toMatchObject({ arms: [{ id: 'plain-seed1', status: 'done' }] });
  });

  it('says which arms there are', async () => {
    const { code, stderr } = await robustjs(['bench', '--track', 'metric-learning', '--tier', 'smoke', '--only', 'plains'], cwd);
    expect(code).toBe(2);
    expect(stderr).toContain('did you mean plain?');
  });
});

describe('robustjs train', () => {
  it('trains a method named on the command line and stores the recipe it followed', async () => {
    const args = ['--method', 'standard', '--architecture', 'small-cnn', '--epochs', '1', '--examples', '64', '--batch-size', '32', '--learning-rate', '0.01', '--seed', '3'];
    // The evaluation of the small tier is for minutes; what is tested here is the recipe.
    const { code, stdout } = await robustjs(['train', ...args, '--workers', '2', '--out', 'trained', '--json'], cwd, interruptAt(/train took/));
    expect(code).toBe(130);
    const { arms, resume } = parsed<{ arms: { id: string; status: string }[]; resume: string }>(stdout);
    expect(arms).toEqual([{ id: 'standard-seed3', status: 'stopped' }]);
    expect(resume).toContain('train --method standard');
    const network = (run: string): Buffer => readFileSync(join(cwd, run, 'networks', 'standard-seed3.safetensors'));
    const header = network('trained');
    const { __metadata__: metadata } = JSON.parse(header.subarray(8, 8 + Number(header.readBigUInt64LE(0))).toString()) as { __metadata__: { recipe: string } };
    expect(parseRecipe(JSON.parse(metadata.recipe))).toMatchObject({
      tier: 'custom', seed: 3, data: { train: 64 }, training: { epochs: 1, batchSize: 32, learningRate: 0.01, shards: 2 }, method: { package: 'standard' },
    });
    // The number of workers is no part of it.
    expect(readFileSync(join(cwd, 'trained', 'log.jsonl'), 'utf8')).toContain('trains in 2 threads');
    await robustjs(['train', ...args, '--workers', '1', '--out', 'alone'], cwd, interruptAt(/train took/));
    expect(network('alone')).toEqual(header);
    expect(readFileSync(join(cwd, 'alone', 'log.jsonl'), 'utf8')).not.toContain('threads');
  });
});
