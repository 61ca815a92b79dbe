import type { Entry } from './entry.ts';
import { PUBLISHED_SIZE } from './published-size.ts';
import { checkIds } from './sanity/ids.ts';

/** A rule that a record breaks, so that it is not published. */
export interface Refusal {
  /** Name of the rule, such as `small-sample`. */
  readonly rule: string;
  /** What was found. */
  readonly says: string;
}

/** What breaks a rule; undefined where nothing does. */
type Rule = (entry: Entry) => string | undefined;

const NORMS: readonly string[] = ['Linf', 'L2', 'L1'];
// Section 7.3 of the evaluation protocol: with one of these failing no number is published, not even one marked as unreliable.
const MUST_NOT_FAIL: readonly string[] = ['S01', 'S02', 'S03', 'S04', 'S05', 'S07', 'S13', 'S18', 'S19', 'S20', 'S21', 'S23', 'S24', 'S29'];

const RULES: Readonly<Record<string, Rule>> = {
  'threat-model': ({ evaluations }) => {
    if (evaluations.length === 0) return 'no threat model: nothing was attacked';
    const without = evaluations.find(({ threat: { type, eps } }) => !NORMS.includes(type) || !(eps > 0 && Number.isFinite(eps)));
    return without && `the threat model ${without.threat.type} ${without.threat.eps}, where one of ${NORMS.join(', ')} with a budget above 0 was expected`;
  },
  units: ({ evaluations, model: { bounds } }) => {
    const other = evaluations.find(({ threat }) => threat.box.join() !== bounds.join());
    return other && `a budget in units of inputs in [${other.threat.box.join(', ')}], for a model of inputs in [${bounds.join(', ')}]`;
  },
  weights: ({ model: { weightsSha256 } }) => (weightsSha256 === null ? 'weights that cannot be seen, so nobody can tell which model this is about' : undefined),
  'small-sample': ({ clean, evaluations }) => {
    const fewest = Math.min(clean.n, ...evaluations.map(({ robust }) => robust.n));
    return fewest < PUBLISHED_SIZE ? `${fewest} examples, where published figures need ${PUBLISHED_SIZE}` : undefined;
  },
  'filtered-test-set': ({ dataset: { id }, clean: { correct, n } }) =>
    id === 'custom' && correct === n ? `all of ${n} images of no known data set are classified correctly, as if those that are not had been left out` : undefined,
  'robust-above-clean': ({ clean, evaluations }) => {
    // Attacked examples are some of those that clean accuracy counts.
    const above = evaluations.find(({ robust }) => robust.correct > clean.correct);
    return above && `${above.robust.correct} of ${above.robust.n} robust at ${above.threat.eps}, but ${clean.correct} of ${clean.n} correct without an attack`;
  },
  checks: ({ sanity, refused }) => {
    const recorded = sanity.map(({ id }) => id);
    const missing = checkIds.filter((id) => !recorded.includes(id));
    if (missing.length > 0) return `without the checks ${missing.join(', ')}`;
    const failed = sanity.filter(({ id, status }) => status === 'fail' && MUST_NOT_FAIL.includes(id)).map(({ id }) => id);
    return failed.length > 0 ? `${failed.join(', ')} failed` : refused;
  },
  randomness: ({ model, protocol }) => (model.stochastic && !protocol.randomized ? 'passes that differ, evaluated as if they did not (--suite rand counts draws)' : undefined),
  'test-time-optimization': ({ model }) => (model.testTimeOptimization ? 'a prediction that optimizes, which needs attacks made for it' : undefined),
  undeclared: ({ method, model: { architecture } }) =>
    method.id === 'unknown' || architecture === 'unknown' ? 'a method or architecture that nobody named, so neither extra data nor forward passes are declared' : undefined,
  'no-iterative-attack': ({ flags }) => (flags.includes('no-iterative-attack') ? 'no attack that followed the gradient of this model in several steps' : undefined),
};

/**
 * The rules of publication (section 7.3 of the evaluation protocol) that a record breaks, as far as a record shows it: that a
 * test set was trained on, or a branch chosen by knowing the attack, it does not show. A record that breaks some is still one of a
 * measurement, of use to whoever made it, unless `refused` says otherwise.
 */
export const refusalsOf = (entry: Entry): Refusal[] =>
  Object.entries(RULES).flatMap(([rule, broken]) => {
    const says = broken(entry);
    return says === undefined ? [] : [{ rule, says }];
  });
