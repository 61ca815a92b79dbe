import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { attacks, threatNamed } from '@robustjs/attacks';
import { type Attack, type AttackResult, type Bounds, evaluation, type Model, randomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { take, writeNpy } from '@robustjs/datasets';
import { checkClasses, encodePng, startRuntime, writableFolder } from '@robustjs/harness';
import { argMax, dispose, tensor, tensor1d, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { budgetOf, PIXELS } from '../budget.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { AttackFlags } from '../flags.ts';
import { openOptionsOf } from '../model-options.ts';
import { openNetwork, type Subject } from '../networks.ts';
import type { AttackWord } from '../parse.ts';
import { nearest, usage } from '../usage.ts';
import { testData } from '../test-data.ts';

/** Inputs to attack. */
interface Inputs {
  readonly values: Float32Array;
  readonly shape: readonly number[];
  readonly labels: Int32Array;
  readonly ids: Int32Array;
}

/** What became of one input. */
interface Outcome {
  readonly id: number;
  readonly label: number;
  readonly cleanPrediction: number;
  readonly adversarialPrediction: number;
  readonly success: boolean;
  readonly distance: number;
  readonly gradientCalls: number;
  readonly queries: number;
}

/** `robustjs attack`. */
export async function attackInputs(name: string, flags: AttackFlags, context: Context): Promise<number> {
  const attack = makeAttack(flags.attack);
  const out = resolve(context.cwd, flags.out);
  await writableFolder(out);
  await startRuntime('wasm');
  const subject = await openNetwork(name, context.cwd, openOptionsOf(flags));
  const inputs = await inputsOf(subject, flags, context);
  const { threat, remark } = threatOf(subject, flags);
  [...subject.remarks, ...(remark === undefined ? [] : [remark])].forEach((line) => context.line(line));
  await checkLabels(subject, inputs);
  const { adversarial, outcomes } = await attackAll(attack, subject, inputs, { threat, flags, signal: context.signal });
  const files = await write(out, inputs, adversarial, outcomes, subject.bounds);
  const broken = outcomes.filter(({ success }) => success).length;
  const summary = { attack: attack.id, config: attack.config, threat: { type: threat.norm, eps: threat.eps }, seed: flags.seed, broken, n: outcomes.length };
  await writeFile(join(out, 'attack.json'), `${JSON.stringify({ ...summary, outcomes }, null, 2)}\n`);
  context.result({ ...summary, out, files: [...files, 'attack.json'], outcomes });
  context.line(`${attack.id} at ${threat.norm} ${Number(threat.eps.toPrecision(3))}${PIXELS.includes(threat.norm) ? ' pixels' : ''}: ${broken} of ${outcomes.length} are misclassified`);
  for (const { id, label, cleanPrediction, adversarialPrediction } of outcomes) {
    context.line(`  ${id}: class ${label}, predicted ${cleanPrediction} clean and ${adversarialPrediction} adversarial`);
  }
  context.line(`written  ${relative(context.cwd, out) || '.'}: ${files.length + 1} files`);
  return exitCodes.ok;
}

function threatOf(subject: Subject, flags: AttackFlags): { threat: ThreatModel; remark: string | undefined } {
  const { norm, eps, remark } = budgetOf(subject, flags);
  if (eps.length > 1) throw usage('one budget', eps.join(', '), 'attack with each on its own, and an --out of its own');
  const threat = threatNamed(norm, eps[0]!);
  const width = subject.bounds[1] - subject.bounds[0];
  if (norm === 'Linf' && threat.eps > width) throw usage(`eps of at most ${width}, the width of the inputs' bounds`, String(threat.eps), 'eps is in the units of the inputs: for gray levels write 8/255');
  return { threat, remark };
}

/** Labels without an output of their own would all count as misclassified. */
async function checkLabels({ model, route }: Subject, { values, shape, labels, ids }: Inputs): Promise<void> {
  const classes = tidy(() => model.forward(tensor(values.slice(0, values.length / ids.length), [1, ...shape]), evaluation(route)).shape[1]!);
  checkClasses(labels, classes);
}

interface AttackParts {
  readonly threat: ThreatModel;
  readonly flags: AttackFlags;
  readonly signal: AbortSignal;
}

/** Attacks a batch after the other; what comes of a row depends on its id, not on its batch. */
async function attackAll(attack: Attack, subject: Subject, { values, shape, labels, ids }: Inputs, { threat, flags, signal }: AttackParts): Promise<{ adversarial: Float32Array; outcomes: Outcome[] }> {
  const size = shape.reduce((product, length) => product * length, 1);
  const adversarial = new Float32Array(values.length);
  const outcomes: Outcome[] = [];
  for (let start = 0; start < ids.length; start += flags.batchSize) {
    const end = Math.min(ids.length, start + flags.batchSize);
    const part: Inputs = { values: values.slice(start * size, end * size), shape, labels: labels.slice(start, end), ids: ids.slice(start, end) };
    const [x, y] = [tensor(part.values, [end - start, ...shape]), tensor1d(part.labels, 'int32')];
    const { model, route } = subject;
    const result = await runAttack(attack, { model, inputs: x, labels: y, ids: part.ids, threat, random: randomStream(flags.seed), signal, ...(route && { route }) });
    outcomes.push(...(await outcomesOf(model, subject, x, result, part)));
    adversarial.set(await result.adversarial.data(), start * size);
    dispose([x, y, result.adversarial]);
  }
  return { adversarial, outcomes };
}

function makeAttack(words: readonly AttackWord[]): ReturnType<NonNullable<(typeof attacks)[string]>> {
  const [word] = words;
  if (words.length !== 1 || word === undefined) throw usage('one attack', String(words.length), 'for example: --attack pgd:steps=50');
  const make = Object.hasOwn(attacks, word.id) ? attacks[word.id] : undefined;
  if (make !== undefined) return make(word.options);
  const known = Object.keys(attacks);
  const guess = nearest(word.id, known);
  throw usage(`an attack among ${known.join(', ')}`, JSON.stringify(word.id), guess === undefined ? 'see: robustjs list attacks' : `did you mean ${guess}?`);
}

async function inputsOf(subject: Subject, { inputs, ...flags }: AttackFlags, { cwd, signal }: Context): Promise<Inputs> {
  if ((inputs === undefined) !== (flags.labels === undefined)) throw usage('--inputs and --labels together', 'one of them', 'give both, or neither for test examples');
  const examples = await testData(subject, { ...flags, ...(inputs !== undefined && { images: inputs }) }, cwd, signal);
  const sample = inputs === undefined ? take(examples, Math.min(flags.examples, examples.size), 0) : examples;
  const rows = sample.ids.map((_, row) => row);
  return { values: await sample.read(rows), shape: sample.inputShape, labels: sample.labels, ids: sample.ids };
}

async function outcomesOf(model: Model, { route }: Subject, x: Tensor, result: AttackResult, { ids, labels }: Inputs): Promise<Outcome[]> {
  const classes = async (inputs: Tensor): Promise<Int32Array> => {
    const predicted = tidy(() => argMax(model.forward(inputs, evaluation(route)), 1));
    const values = Int32Array.from(await predicted.data());
    predicted.dispose();
    return values;
  };
  const [clean, adversarial] = [await classes(x), await classes(result.adversarial)];
  return Array.from(ids, (id, row) => ({
    id,
    label: labels[row]!,
    cleanPrediction: clean[row]!,
    adversarialPrediction: adversarial[row]!,
    success: result.success[row]!,
    distance: result.distances[row]!,
    gradientCalls: result.gradientCalls[row]!,
    queries: result.queries[row]!,
  }));
}

/** Arrays for programs, and pictures for people where the inputs are images. */
async function write(out: string, { values, shape, labels, ids }: Inputs, adversarial: Float32Array, outcomes: readonly Outcome[], bounds: Bounds): Promise<string[]> {
  await mkdir(out, { recursive: true });
  const stored = [ids.length, ...shape];
  const arrays: [string, Uint8Array][] = [
    ['adversarial.npy', writeNpy(adversarial, stored)],
    ['clean.npy', writeNpy(values, stored)],
    ['labels.npy', writeNpy(labels, [ids.length])],
  ];
  const files = [...arrays, ...(shape.length === 3 ? await pictures(values, adversarial, shape, outcomes, bounds) : [])];
  for (const [name, bytes] of files) await writeFile(join(out, name), bytes);
  return files.map(([name]) => name);
}

async function pictures(values: Float32Array, adversarial: Float32Array, shape: readonly number[], outcomes: readonly Outcome[], bounds: Bounds): Promise<[string, Uint8Array][]> {
  const size = shape.reduce((product, length) => product * length, 1);
  const all = outcomes.map(async ({ id, label, cleanPrediction, adversarialPrediction }, row): Promise<[string, Uint8Array][]> => {
    const cut = (from: Float32Array): Float32Array => from.subarray(row * size, (row + 1) * size);
    return [
      [`${id}-class${label}-clean-${cleanPrediction}.png`, await encodePng(cut(values), shape, bounds)],
      [`${id}-class${label}-adversarial-${adversarialPrediction}.png`, await encodePng(cut(adversarial), shape, bounds)],
    ];
  });
  return (await Promise.all(all)).flat();
}
