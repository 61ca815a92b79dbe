import { type Attack, type AttackProblem, linf, l2, type Model, modelOf, type Objective, randomStream, runAttack } from '@robustjs/core';
import { expectClose, expectSameBits, numbersOf, type OwnedBatch, quadraticModel, tinyBatch, tinyCnn, useWasm } from '@robustjs/testkit';
import { cast, dispose, mul, sign, square, sub, sum, type Tensor, type Tensor1D, tensor1d, tensor2d, tidy, zeros } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { bim, crossEntropyObjective, fgsm, marginObjective, miFgsm, noise, pgd, rfgsm } from '../src/index.ts';

useWasm();

async function onTinyNetwork(work: (model: Model, batch: OwnedBatch) => Promise<void>, count = 12): Promise<void> {
  const model = tinyCnn();
  const batch = tinyBatch(model, { count });
  await work(model, batch);
  batch.dispose();
  model.dispose();
}

async function attacked(attack: Attack, model: Model, batch: OwnedBatch, more: Partial<AttackProblem> = {}) {
  const result = await runAttack(attack, { model, ...batch, threat: linf(0.05), random: randomStream(9), ...more });
  const adversarial = await numbersOf(result.adversarial);
  result.adversarial.dispose();
  return { ...result, adversarial };
}

describe('objectives', () => {
  it('are the cross-entropy and the margin of hand-computed logits', async () => {
    // -log softmax: (2, 1, 0) for class 0 gives log(1 + e^-1 + e^-2) = 0.407606; the margins are 1 - 2, 0 - (-1) and -2 - (-1).
    const logits = tensor2d([[2, 1, 0], [-1, -3, 0], [-5, -1, -2]]);
    const labels = tensor1d([0, 0, 1], 'int32');
    const values = [crossEntropyObjective(logits, labels), marginObjective(logits, labels)];
    await expectClose(values[0]!, [0.407606, Math.log(1 + Math.exp(-2) + Math.E), Math.log(1 + Math.exp(-4) + Math.exp(-1))], { relative: 1e-5 });
    await expectClose(values[1]!, [-1, 1, -1], { relative: 1e-6 });
    [logits, labels, ...values].forEach((x) => x.dispose());
  });
});

describe('a start with no gradient', () => {
  // f_0 = 0.25 - ||x||^2: class 1 is 0.5 away from the origin, where the gradient is zero.
  const atOrigin = async (attack: Attack, eps: number): Promise<readonly boolean[]> => {
    const model = quadraticModel(4, 0.5);
    const inputs = zeros([3, 4]);
    const labels = tensor1d([0, 0, 0], 'int32');
    const { success, adversarial } = await runAttack(attack, { model, inputs, labels, ids: [1, 2, 3], threat: l2(eps), random: randomStream(0) });
    [inputs, labels, adversarial].forEach((x) => x.dispose());
    return success;
  };

  it('stalls an attack from the clean input, and a random one does not', async () => {
    expect(await atOrigin(bim({ steps: 40 }), 0.6)).toEqual([false, false, false]);
    expect(await atOrigin(pgd({ steps: 40 }), 0.6)).toEqual([true, true, true]);
    expect(await atOrigin(pgd({ steps: 40, randomStart: 'gaussian' }), 0.6)).toEqual([true, true, true]);
  });

  it('does not make success out of too small a budget', async () => {
    expect(await atOrigin(pgd({ steps: 40 }), 0.499)).toEqual([false, false, false]);
  });
});

describe('relations between attacks', () => {
  it('MI-FGSM without momentum is BIM of step eps / T, to the bit', async () => {
    await onTinyNetwork(async (model, batch) => {
      const [mi, basic] = [await attacked(miFgsm({ steps: 5, decay: 0 }), model, batch), await attacked(bim({ steps: 5, alpha: 0.05 / 5 }), model, batch)];
      expect(mi).toEqual(basic);
    });
  });

  it.each([1, 2 ** -108])('MI-FGSM is algorithm 1 in a plain loop, with gradients of every length: times %d', async (scale) => {
    // The objective c.x - a.x^2 of inputs that are their own outputs has the gradient c - 2 a x. L2 shows what a sign would hide.
    const [slopes, bends, alpha, decay] = [[3, -1], [1, 4], 0.5, 0.7] as const;
    const model = modelOf((x) => x.clone(), { inputShape: [2], bounds: [-10, 10] });
    const objective: Objective = (x) => tidy(() => mul<Tensor1D>(sum(sub(mul(x, [...slopes]), mul(square(x), [...bends])), 1), scale));
    const [inputs, labels] = [tensor2d([[0.5, 0.25]]), tensor1d([0], 'int32')];
    const problem = { model, inputs, labels, ids: [0], threat: l2(9), random: randomStream(0), objective, keep: 'last' } as const;
    const { adversarial } = await runAttack(miFgsm({ steps: 4, alpha, decay }), problem);
    let [x, momentum] = [[0.5, 0.25], [0, 0]];
    for (let step = 0; step < 4; step++) {
      const gradient = x.map((value, i) => slopes[i]! - 2 * bends[i]! * value);
      const length = Math.abs(gradient[0]!) + Math.abs(gradient[1]!);
      momentum = momentum.map((m, i) => decay * m + gradient[i]! / length);
      x = x.map((value, i) => value + (alpha * momentum[i]!) / Math.hypot(...momentum));
    }
    await expectClose(adversarial, x, { relative: 1e-5 });
    dispose([adversarial, inputs, labels]);
  });

  it('BIM is PGD from the clean input, and FGSM is BIM of one whole step', async () => {
    await onTinyNetwork(async (model, batch) => {
      const started = await attacked({ ...pgd({ steps: 4, randomStart: false }), id: 'bim' }, model, batch);
      expect(await attacked(bim({ steps: 4 }), model, batch)).toEqual(started);
      const fast = await attacked(fgsm(), model, batch, { keep: 'last' });
      const single = await attacked(bim({ steps: 1, alpha: 0.05 }), model, batch, { keep: 'last' });
      await expectSameBits(fast.adversarial, single.adversarial);
    });
  });

  it('FGSM is x + eps sign(g), recomputed in a plain loop', async () => {
    await onTinyNetwork(async (model, batch) => {
      const result = await attacked(fgsm(), model, batch, { keep: 'last' });
      const inputs = await numbersOf(batch.inputs);
      let signs: number[] = [];
      const reading: Attack = {
        ...fgsm(),
        async search(search) {
          const gradient = search.gradient(search.clean);
          const directions = sign(gradient);
          signs = await numbersOf(directions);
          [gradient, directions].forEach((x) => x.dispose());
        },
      };
      await attacked(reading, model, batch);
      await expectClose(result.adversarial, inputs.map((x, i) => Math.min(1, Math.max(0, x + 0.05 * signs[i]!))), { relative: 1e-6 });
    });
  });

  it('sign attacks do not feel the scale of the loss', async () => {
    const scaled = (attack: Attack, scale: number): Attack => {
      const objective: Objective = (outputs, labels) => tidy(() => mul(attack.objective(outputs, labels), scale));
      return { ...attack, objective };
    };
    await onTinyNetwork(async (model, batch) => {
      for (const attack of [fgsm(), bim({ steps: 4 }), pgd({ steps: 4 }), rfgsm()]) {
        const plain = await attacked(attack, model, batch, { keep: 'last' });
        for (const scale of [1 / 1024, 1024]) {
          await expectSameBits((await attacked(scaled(attack, scale), model, batch, { keep: 'last' })).adversarial, plain.adversarial);
        }
      }
    });
  });

  it('R+FGSM ends in the ball, a step of (1 - share) eps from its random corner', async () => {
    await onTinyNetwork(async (model, batch) => {
      const result = await attacked(rfgsm({ randomShare: 0.25 }), model, batch, { keep: 'last' });
      const inputs = await numbersOf(batch.inputs);
      // 0.25 +- 0.75 of eps: every value moves by eps or by half of it, but for zero gradients.
      const inner = inputs.map((x, i) => [x, result.adversarial[i]!] as const).filter(([x]) => x > 0.05 && x < 0.95);
      const moves = inner.map(([x, moved]) => Math.abs(moved - x) / 0.05);
      const odd = moves.filter((move) => ![1, 0.5, 0.25].some((m) => Math.abs(move - m) < 1e-4));
      expect(odd.length).toBe(0);
      expect(new Set(moves.map((move) => Math.round(move * 4))).size).toBeGreaterThan(1);
    });
  });
});

describe('draws', () => {
  /** What an attack proposes, in order. */
  const proposals = async (attack: Attack, how: 'gradient' | 'offer'): Promise<number[][]> => {
    const seen: Promise<number[]>[] = [];
    await onTinyNetwork(async (model, batch) => {
      const watching: Attack = {
        ...attack,
        search: (search) => attack.search(Object.create(search, {
          [how]: { value: (x: Tensor) => {
            const copy = x.clone();
            seen.push(numbersOf(copy).finally(() => copy.dispose()));
            return search[how](x);
          } },
        }) as typeof search),
      };
      await attacked(watching, model, batch, { keep: 'last' });
      await Promise.all(seen);
    });
    return Promise.all(seen);
  };
  const different = (lists: number[][]): number => new Set(lists.map((list) => list.join())).size;

  it('are new for every restart of PGD and every point of noise', async () => {
    expect(different(await proposals(pgd({ steps: 1, restarts: 3 }), 'gradient'))).toBe(3);
    expect(different(await proposals(noise({ draws: 4 }), 'offer'))).toBe(4);
  });
});

describe('more effort', () => {
  const successes = async (attack: Attack, more: Partial<AttackProblem> = {}): Promise<boolean[]> => {
    let success: readonly boolean[] = [];
    await onTinyNetwork(async (model, batch) => void ({ success } = await attacked(attack, model, batch, more)), 16);
    return [...success];
  };
  const nested = (less: boolean[], more: boolean[]): void => less.forEach((success, i) => expect(!success || more[i]).toBe(true));

  it('more steps of one length break every row that fewer do', async () => {
    const after = (steps: number): Promise<boolean[]> => successes(pgd({ steps, alpha: 0.01 }));
    const [one, three, nine] = [await after(1), await after(3), await after(9)];
    nested(one, three);
    nested(three, nine);
    expect(nine.filter(Boolean).length).toBeGreaterThan(one.filter(Boolean).length);
  });

  it('more restarts break every row that fewer do', async () => {
    const [one, four] = [await successes(pgd({ steps: 2, alpha: 0.01 })), await successes(pgd({ steps: 2, alpha: 0.01, restarts: 4 }))];
    nested(one, four);
  });

  it('more draws of noise break every row that fewer do', async () => {
    const [few, many] = [await successes(noise({ draws: 3 }), { threat: linf(0.3) }), await successes(noise({ draws: 30 }), { threat: linf(0.3) })];
    nested(few, many);
    expect(many.filter(Boolean).length).toBeGreaterThan(0);
  });

  it('a larger budget breaks no fewer rows, and noise no more than PGD', async () => {
    const counts: number[] = [];
    for (const eps of [0, 0.01, 0.03, 0.1, 0.5]) {
      const broken = await successes(pgd({ steps: 10 }), { threat: linf(eps) });
      const random = await successes(noise({ draws: 20 }), { threat: linf(eps) });
      counts.push(broken.filter(Boolean).length);
      expect(random.filter(Boolean).length).toBeLessThanOrEqual(counts.at(-1)!);
    }
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(16);
  });
});

describe('a longer run', () => {
  it('begins as a shorter one: the first iterates are the same to the bit', async () => {
    const iterates = async (steps: number): Promise<number[][]> => {
      const seen: number[][] = [];
      await onTinyNetwork(async (model, batch) => {
        const attack = pgd({ steps, alpha: 0.01 });
        const pending: Promise<unknown>[] = [];
        const watching: Attack = {
          ...attack,
          search: (search) => attack.search(Object.create(search, {
            gradient: { value: (x: Parameters<typeof search.gradient>[0]) => {
              const copy = x.clone();
              pending.push(numbersOf(copy).then((values) => { seen.push(values); copy.dispose(); }));
              return search.gradient(x);
            } },
          }) as typeof search),
        };
        await attacked(watching, model, batch, { keep: 'last' });
        await Promise.all(pending);
      });
      return seen;
    };
    const [short, long] = [await iterates(3), await iterates(6)];
    expect(long.length).toBe(6);
    expect(long.slice(0, 3)).toEqual(short);
  });
});

describe('early stop', () => {
  it('reaches what the full run reaches: whoever the last iterate breaks is broken, and rows cost at most the full run', async () => {
    await onTinyNetwork(async (model, batch) => {
      const attack = pgd({ steps: 8, alpha: 0.01, restarts: 2 });
      const stopped = await attacked(attack, model, batch);
      const full = await attacked({ ...attack, search: (search) => attack.search(Object.create(search, { compact: { value: async (...state: unknown[]) => state } }) as typeof search) }, model, batch);
      expect(stopped.success).toEqual(full.success);
      await expectSameBits(stopped.adversarial, full.adversarial);
      expect(full.gradientCalls.every((count) => count === 16)).toBe(true);
      expect(stopped.gradientCalls.some((count) => count < 16)).toBe(true);
    });
  });
});

describe('targets', () => {
  it('are never easier to reach than any other class: a targeted hit is an untargeted one', async () => {
    await onTinyNetwork(async (model, batch) => {
      const targets = tidy(() => cast<OwnedBatch['labels']>(sub(2, batch.labels), 'int32'));
      const labels = await batch.labels.data();
      const towards = await attacked(pgd({ steps: 10, restarts: 2 }), model, batch, { targets });
      const away = await attacked(pgd({ steps: 10, restarts: 2 }), model, batch);
      const moved = towards.success.map((success, i) => success && labels[i] !== 1);
      expect(moved.filter(Boolean).length).toBeLessThanOrEqual(away.success.filter((success, i) => success && labels[i] !== 1).length);
      targets.dispose();
    });
  });
});
