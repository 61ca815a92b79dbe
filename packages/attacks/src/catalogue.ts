/** Norms and shapes of perturbation that attacks are made for, as `ThreatModel.norm` names them. */
export type Norm = 'Linf' | 'L2' | 'L1' | 'L0' | 'patch' | 'framing' | 'pixels';

/** What there is to know of an attack before running it. Everything but the source is verified by running it. */
export interface AttackFacts {
  /** Threat models it takes; under another it throws `RJS_ATTACK_NORM`. */
  readonly norms: readonly Norm[];
  /** Whether it takes targets; one that does not throws `RJS_ATTACK_TARGETS`. */
  readonly targeted: boolean;
  /**
   * What it learns from the model: gradients, the scores of all classes, the decision alone, or nothing at all, where it
   * only proposes and the framework judges.
   */
  readonly needs: 'gradients' | 'scores' | 'decisions' | 'nothing';
  /**
   * `'fixed'`: it spends a finite eps, and throws `RJS_ATTACK_BUDGET` without one. `'minimum-norm'`: it looks for the
   * nearest adversarial input, and with a finite eps ends with the first inside.
   */
  readonly budget: 'fixed' | 'minimum-norm';
  /** What a row costs that nothing breaks; one that is broken costs less. */
  readonly cost: AttackCost;
  /** Paper, or paper and code where the two differ. */
  readonly source: string;
  /** What its results are tested against. */
  readonly oracle: string;
}

/**
 * Formulas of the attack's options by name, of `K`, the number of classes, and of `d`, the number of values in an input,
 * with + - * / ( ). One that begins with `at most` is a bound, any other is exact. Absent: none.
 */
export interface AttackCost {
  /** Forward and backward passes. */
  readonly gradients?: string;
  /** Forward passes alone. */
  readonly queries?: string;
}

// Attacks that move by the threat model's own steepest step take every one.
const ANY: readonly Norm[] = ['Linf', 'L2', 'L1', 'L0', 'patch', 'framing', 'pixels'];
const LP: readonly Norm[] = ['Linf', 'L2', 'L1'];
const descent = { norms: ANY, targeted: true, needs: 'gradients', budget: 'fixed' } as const;

/** Facts of every attack of the registry, under the same names. */
export const catalogue: Readonly<Record<string, AttackFacts>> = {
  fgsm: {
    ...descent,
    cost: { gradients: '1', queries: '1' },
    source: 'Goodfellow et al., ICLR 2015',
    oracle: 'closed forms on linear models; x + eps sign(g) in a plain loop',
  },
  rfgsm: {
    ...descent,
    cost: { gradients: '1', queries: '1' },
    source: 'Tramèr et al., ICLR 2018',
    oracle: 'distance to the linear decision boundary; lengths of both steps',
  },
  bim: {
    ...descent,
    cost: { gradients: 'steps', queries: '1' },
    source: 'Kurakin et al., ICLR 2017 workshop',
    oracle: 'closed forms on linear models; PGD without its start, to the bit',
  },
  pgd: {
    ...descent,
    cost: { gradients: 'steps * restarts', queries: 'restarts' },
    source: 'Madry et al., ICLR 2018',
    oracle: 'closed forms on linear models for each norm; quadratic model; records of public libraries',
  },
  'mi-fgsm': {
    ...descent,
    cost: { gradients: 'steps', queries: '1' },
    source: 'Dong et al., CVPR 2018',
    oracle: 'algorithm 1 in a plain loop; BIM without momentum, to the bit',
  },
  'ni-fgsm': {
    ...descent,
    norms: ['Linf'],
    cost: { gradients: 'steps', queries: '1' },
    source: 'Lin et al., ICLR 2020 (momentum in the scale of its code)',
    oracle: 'equation 6 in a plain loop; MI-FGSM without momentum, to the bit',
  },
  'di-fgsm': {
    ...descent,
    cost: { gradients: 'steps', queries: '1' },
    source: 'Xie et al., CVPR 2019 (padded back to the size of the input)',
    oracle: 'resizing against the backend\'s and its adjoint; MI-FGSM at probability 0, to the bit',
  },
  'ti-fgsm': {
    ...descent,
    cost: { gradients: 'steps', queries: '1' },
    source: 'Dong et al., CVPR 2019',
    oracle: 'convolution in a plain loop; MI-FGSM with a kernel of 1, to the bit',
  },
  'si-fgsm': {
    ...descent,
    cost: { gradients: 'steps * copies', queries: '1' },
    source: 'Lin et al., ICLR 2020',
    oracle: 'equation 7 in a plain loop; MI-FGSM with one copy, to the bit',
  },
  'vmi-fgsm': {
    ...descent,
    norms: ['Linf'],
    cost: { gradients: 'steps + (steps - 1) * neighbours', queries: '1' },
    source: 'Wang and He, CVPR 2021',
    oracle: 'algorithm 1 in a plain loop; MI-FGSM without neighbours, to the bit',
  },
  'transfer-fgsm': {
    ...descent,
    cost: { gradients: 'steps * copies + (steps - 1) * copies * neighbours', queries: '1' },
    source: 'Dong et al., CVPR 2018 and 2019; Lin et al., ICLR 2020; Xie et al., CVPR 2019; Wang and He, CVPR 2021',
    oracle: 'each part as above; MI-FGSM without any, to the bit',
  },
  'apgd-ce': {
    ...descent,
    norms: LP,
    cost: { gradients: 'steps * restarts * eot', queries: 'at most 4 * restarts' },
    source: 'Croce and Hein, ICML 2020, algorithm 1, and ICML 2021 for L1; the authors\' code',
    oracle: 'checkpoints and halvings counted; closed forms on linear models; projection on ball and box by brute force; records of the authors\' code',
  },
  'apgd-dlr': {
    ...descent,
    norms: LP,
    cost: { gradients: 'steps * restarts * eot', queries: 'at most 4 * restarts' },
    source: 'Croce and Hein, ICML 2020, section 4; the authors\' code',
    oracle: 'as apgd-ce; hand-computed ratios',
  },
  'apgd-t': {
    ...descent,
    norms: LP,
    cost: { gradients: 'at most steps * restarts * eot * targets', queries: 'at most 4 * restarts * targets + 1' },
    source: 'Croce and Hein, ICML 2020, section 4; the authors\' code',
    oracle: 'as apgd-ce; hand-computed ratios; records of the authors\' code',
  },
  noise: {
    ...descent,
    needs: 'nothing',
    cost: { queries: 'draws' },
    source: 'Carlini et al., 2019',
    oracle: 'more draws break every row that fewer do; never more than PGD',
  },
  'hop-skip-jump': {
    norms: ['L2', 'Linf'],
    targeted: true,
    needs: 'decisions',
    budget: 'minimum-norm',
    cost: { queries: 'queries' },
    source: 'Chen et al., S&P 2020',
    oracle: 'distance to the linear decision boundary; cosine of its estimates with the weights',
  },
  boundary: {
    norms: ['L2'],
    targeted: true,
    needs: 'decisions',
    budget: 'minimum-norm',
    cost: { queries: 'queries' },
    source: 'Brendel et al., ICLR 2018 (step adaptation of Foolbox)',
    oracle: 'distance to the linear decision boundary',
  },
  simba: {
    norms: ['L2', 'Linf'],
    targeted: true,
    needs: 'scores',
    budget: 'minimum-norm',
    cost: { queries: 'queries' },
    source: 'Guo et al., ICML 2019',
    oracle: 'algorithm 1 in a plain loop; eps sqrt(accepted) bounds the length; orthonormal frequencies',
  },
  nes: {
    ...descent,
    needs: 'scores',
    cost: { queries: 'at most queries' },
    source: 'Ilyas et al., ICML 2018',
    oracle: 'the gradient of a linear model; closed forms on linear models',
  },
  spsa: {
    ...descent,
    norms: ['Linf'],
    needs: 'scores',
    cost: { queries: 'at most queries' },
    source: 'Uesato et al., ICML 2018 (settings of CleverHans)',
    oracle: 'the gradient of a linear model; closed forms on linear models',
  },
  roa: {
    ...descent,
    norms: ['patch'],
    cost: { gradients: 'steps + 1', queries: 'candidates + 1' },
    source: 'Wu et al., ICLR 2020',
    oracle: 'every place by brute force; the best corners of the box on linear models',
  },
  'random-patch': {
    ...descent,
    norms: ['patch'],
    cost: { gradients: 'steps * restarts', queries: 'restarts' },
    source: 'Lo and Patel, T-IP 2021',
    oracle: 'the best corners of the box on linear models; never more than roa there',
  },
  'adversarial-framing': {
    ...descent,
    norms: ['framing'],
    cost: { gradients: 'steps * restarts', queries: 'restarts' },
    source: 'Zajac et al., AAAI 2019, by example as in Lo and Patel, T-IP 2021',
    oracle: 'the best corners of the box on linear models',
  },
  'random-pixels': {
    ...descent,
    norms: ['pixels'],
    cost: { gradients: 'steps * restarts', queries: 'restarts' },
    source: 'Lo and Patel, T-IP 2021 (without replacement)',
    oracle: 'the best corners of the box on linear models',
  },
  'salt-and-pepper': {
    norms: ['L2'],
    targeted: true,
    needs: 'decisions',
    budget: 'minimum-norm',
    cost: { queries: 'queries' },
    source: 'Foolbox, 2020',
    oracle: 'its schedule in a plain loop; share of pixels changed',
  },
  fab: {
    ...descent,
    norms: LP,
    budget: 'minimum-norm',
    cost: { gradients: 'steps * restarts * (K - 1)', queries: 'steps * restarts + 2' },
    source: 'Croce and Hein, ICML 2020 (arXiv:1907.02044), and the authors\' code',
    oracle: 'distances to linear decision boundaries in the box for each norm; projections by brute force; records of the authors\' code',
  },
  'fab-t': {
    ...descent,
    norms: LP,
    budget: 'minimum-norm',
    cost: { gradients: 'at most steps * restarts * targets', queries: 'at most steps * restarts * targets + 2' },
    source: 'Croce and Hein, ICML 2020 (arXiv:2003.01690), and the authors\' code',
    oracle: 'distances to linear decision boundaries in the box for each norm; FAB where there are two classes, to the bit',
  },
  cw: {
    ...descent,
    norms: ['L2'],
    budget: 'minimum-norm',
    cost: { gradients: 'binarySearchSteps * steps', queries: 'at most 10 * binarySearchSteps + 1' },
    source: 'Carlini and Wagner, S&P 2017, and the authors\' code',
    oracle: 'distances to linear boundaries, in the box too; quadratic model; the search of constants in a plain loop; records of Foolbox',
  },
  ead: {
    ...descent,
    norms: ['L1'],
    budget: 'minimum-norm',
    cost: { gradients: 'binarySearchSteps * steps', queries: 'at most binarySearchSteps * (steps + 10) + 1' },
    source: 'Chen et al., AAAI 2018, and the authors\' code',
    oracle: 'distances to linear boundaries, in the box too; records of Foolbox',
  },
  ddn: {
    ...descent,
    norms: ['L2'],
    budget: 'minimum-norm',
    cost: { gradients: 'steps', queries: '1' },
    source: 'Rony et al., CVPR 2019',
    oracle: 'distances to linear boundaries, in the box too; quadratic model; records of Foolbox',
  },
  fmn: {
    ...descent,
    norms: ['Linf', 'L2', 'L1', 'L0'],
    budget: 'minimum-norm',
    cost: { gradients: 'steps', queries: '1' },
    source: 'Pintor et al., NeurIPS 2021, and the authors\' code',
    oracle: 'distances to linear boundaries for each norm, in the box too; quadratic model; records of Foolbox',
  },
  jsma: {
    ...descent,
    norms: ['L0'],
    budget: 'minimum-norm',
    cost: { gradients: 'at most (gamma * d + 2) * classes', queries: 'at most classes + 2' },
    source: 'Papernot et al., EuroS&P 2016',
    oracle: 'all pairs by brute force; the attack on linear models in a plain loop',
  },
  'pgd-l0': {
    ...descent,
    norms: ['L0'],
    cost: { gradients: 'steps * restarts', queries: 'restarts' },
    source: 'Croce and Hein, ICCV 2019, and the authors\' code',
    oracle: 'fewest pixels of linear models by brute force; projections by brute force',
  },
  square: {
    ...descent,
    norms: LP,
    needs: 'scores',
    cost: { queries: 'restarts * (queries + 1) + 1' },
    source: 'Andriushchenko et al., ECCV 2020, and the code of AutoAttack',
    oracle: 'the proposals of algorithms 2 and 3 in plain loops; window sizes; records of the authors\' code',
  },
  deepfool: {
    ...descent,
    norms: ['Linf', 'L2'],
    budget: 'minimum-norm',
    cost: { gradients: 'at most steps * (candidates - 1)', queries: 'steps + halvings + 2' },
    source: 'Moosavi-Dezfooli et al., CVPR 2016; steps inside the box, and a way back at the end, are ours',
    oracle: 'distances to linear decision boundaries; algorithm 2 in a plain loop; records of torchattacks',
  },
};
