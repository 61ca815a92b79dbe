import { PUBLISHED_SIZE } from '../evaluate/published-size.ts';

/** A sanity test in words for readers who do not know its number. */
export interface SanityWords {
  readonly title: string;
  /** What is looked at, and what it means when it fails. */
  readonly meaning: string;
}

// Numbers and content: section 6 of the evaluation protocol.
const WORDS: Readonly<Record<string, SanityWords>> = {
  S01: { title: 'Weights stay put', meaning: 'The attacks changed no weight and no statistic of the model. If they did, different attacks met different models.' },
  S02: { title: 'Same answer every time', meaning: 'The same images give the same outputs when asked again. If not, the model is random and needs attacks that average over its randomness.' },
  S03: { title: 'Logits, not probabilities', meaning: 'The model returns logits. After a softmax, gradients vanish where the model is sure and attacks look weaker than they are.' },
  S04: { title: 'Clean accuracy as claimed', meaning: 'Accuracy without attack matches what was claimed. If not, another model or other data were evaluated.' },
  S05: { title: 'A gradient exists', meaning: 'The loss can be differentiated down to the input. If not, gradient attacks have nothing to follow.' },
  S06: { title: 'The gradient is not zero', meaning: 'Hardly any image has a gradient of exactly zero. Where it is zero, gradient attacks stand still and prove nothing.' },
  S07: { title: 'The gradient is right', meaning: 'The gradient agrees with finite differences of the loss. If not, attacks are led astray, on purpose or by a mistake.' },
  S08: { title: 'The loss is smooth enough', meaning: 'The loss moves little under tiny noise. A jagged loss hides the way from attacks that follow the gradient.' },
  S09: { title: 'The attack makes progress', meaning: 'The loss at the end of an attack is higher than at its start. If not, the attack did not work on this model.' },
  S10: { title: 'Longer attacks are not weaker', meaning: 'Twice the steps never break fewer images, and hardly break more. Many more means that the attack had not converged.' },
  S11: { title: 'The attack finishes its climb', meaning: 'The loss has flattened out over the last steps. If not, more steps would break more images.' },
  S12: { title: 'More restarts gain little', meaning: 'Starting again from other random points breaks few more images. If it breaks many, the number of restarts is too small.' },
  S13: { title: 'Many steps beat one', meaning: 'An attack of many small steps breaks at least as many images as one big step. Otherwise the gradient is misleading.' },
  S14: { title: 'Random noise is weaker', meaning: 'Random noise breaks hardly anything that gradient attacks do not. Otherwise gradients are masked and the attacks too weak.' },
  S15: { title: 'Blind search is weaker', meaning: 'Attacks without gradients break no more than attacks with them. Otherwise gradients are masked.' },
  S16: { title: 'Borrowed examples are weaker', meaning: 'Examples made on other models break hardly anything that direct attacks do not. Otherwise gradients are masked.' },
  S17: { title: 'Decision attacks are weaker', meaning: 'Attacks that see only the decision find no closer examples than attacks that see everything.' },
  S18: { title: 'A larger eps is not weaker', meaning: 'Accuracy never rises as the budget grows, since every smaller perturbation is still allowed. If it rises, the attack is not reliable.' },
  S19: { title: 'At eps 0 nothing changes', meaning: 'With a budget of zero the images and the accuracy stay as they are. If not, the evaluation itself is at fault.' },
  S20: { title: 'Without a budget everything breaks', meaning: 'When any image is allowed, the attack succeeds nearly always. If it does not, it cannot follow this model and its result means little.' },
  S21: { title: 'Grey images carry nothing', meaning: 'Where the budget lets every image turn grey, accuracy is at most that of guessing one class.' },
  S22: { title: 'One target is harder than any', meaning: 'Forcing one particular wrong class is no easier than forcing any wrong class.' },
  S23: { title: 'The budget is kept', meaning: 'Every adversarial image is within eps of the clean one, inside the allowed range of values, and finite.' },
  S24: { title: 'No success is lost', meaning: 'Whenever an attack passed a wrong answer on its way, it returned one. Otherwise breaks go uncounted.' },
  S25: { title: 'Holds as 8-bit images', meaning: 'Rounding the adversarial images to the 256 levels of an image file hardly changes the result.' },
  S26: { title: 'Frozen randomness', meaning: 'With its random numbers fixed, a randomized defense is broken as easily as one without randomness.' },
  S27: { title: 'The attack works undefended', meaning: 'The same attack breaks the same network without the defense. Otherwise it is too weak to say anything.' },
  S28: { title: 'The attack works on known models', meaning: 'The attack breaks models that are known to be breakable.' },
  S29: { title: 'Stored examples still count', meaning: 'The stored adversarial images give the same accuracy when loaded and judged again.' },
  S30: { title: 'Forward passes declared', meaning: 'The number of forward passes for one prediction is stated, and no optimization hides inside it.' },
};

/** What a sanity test is about; a test that has no words here is shown under its number. */
export function sanityWords(id: string): SanityWords {
  return (Object.hasOwn(WORDS, id) ? WORDS[id] : undefined) ?? { title: id, meaning: '' };
}

const FLAGS: Readonly<Record<string, string>> = {
  'small-sample': `fewer examples were attacked than published figures need (${PUBLISHED_SIZE})`,
  'all-correct': 'every image given is classified correctly, as if those that are not had been left out, so robust accuracy is too high',
  'nothing-to-attack': 'the model gets no image right, so there was nothing to attack',
  'no-iterative-attack': 'no attack of the suite takes more than one step, so the figures are too high',
  'no-noise': 'the suite has no random noise to compare the attacks with',
  'not-converged': 'longer attacks would break more images',
  'gradient-attacks-left-out': 'the model only predicts, so attacks that follow gradients were left out',
  'not-deterministic': 'the model answers differently when asked again, so its figures are those of one draw or a mean of ten',
  'branch-untrained': 'no example went through one of the branches in training, so its figures and those of the worst branch mean nothing',
  'not-finite': 'some outputs are not finite numbers; they count as wrong',
};

/** A remark of an entry in words; one that has none is shown as it is. */
export function flagWords(flag: string): string {
  return (Object.hasOwn(FLAGS, flag) ? FLAGS[flag] : undefined) ?? flag;
}
