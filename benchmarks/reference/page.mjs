// The page of the comparison, from its stored results.

/** Tolerances of the references' README: images more robust, and share of the median norm. */
const ALLOWED = { images: 0.01, norm: 1.02 };

/** What a result says: `weaker` is what must not be. */
export function verdict(result) {
  const { ours, images, robust } = result;
  if (ours === undefined) return 'not run';
  const extra = (robust.ours - robust.theirs) / images;
  const norms = comparableNorms(result);
  const length = norms === undefined ? 1 : norms.ours / norms.theirs;
  if (extra > ALLOWED.images + 1e-9 || length > ALLOWED.norm) return '**weaker**';
  if (extra < -ALLOWED.images - 1e-9 || length < 2 - ALLOWED.norm) return 'stronger';
  return 'equal';
}

/** Norms tell something of attacks without a budget only: with one, ours stop at the first adversarial input and theirs go on to the edge. */
function comparableNorms({ params, medianNorm }) {
  if (medianNorm === undefined || typeof params.eps === 'number') return undefined;
  // JSON knows no infinity, which stands for more than half of the images not broken.
  return { theirs: medianNorm.theirs ?? Infinity, ours: medianNorm.ours ?? Infinity };
}

const percent = (count, images) => ((100 * count) / images).toFixed(1);
const signed = (value) => (value > 0 ? `+${value.toFixed(1)}` : value.toFixed(1));
const parameters = (params) => Object.entries(params).filter(([name]) => !['norm', 'eps'].includes(name)).map(([name, value]) => `${name} ${value}`).join(', ');
const budget = ({ eps }) => (typeof eps === 'number' ? eps : 'none');

function row(result) {
  const { network, library, attack, norm, params, images, ours, robust, note } = result;
  const norms = comparableNorms(result);
  const compared = ours === undefined
    ? ['–', '–', '–', '–', '–', '–']
    : [`\`${ours.id}\``, percent(robust.theirs, images), percent(robust.ours, images), signed((100 * (robust.ours - robust.theirs)) / images),
      norms?.theirs.toFixed(4) ?? '–', norms?.ours.toFixed(4) ?? '–'];
  return `| ${[network, `${library} ${attack}`, norm, budget(params), parameters(params), ...compared, verdict(result) + (note ? `; ${note}` : '')].join(' | ')} |`;
}

/** The page as Markdown. */
export function page(results) {
  const run = results.filter(({ ours }) => ours !== undefined);
  const versions = [...new Set(run.map(({ versions }) => `@robustjs/attacks ${versions.attacks} on TF.js ${versions.tfjs} (wasm, ${versions.variant})`))];
  const count = (name) => run.filter((result) => verdict(result) === name).length;
  return `# Comparison with public attack libraries

Two small Fashion-MNIST networks, normally and adversarially trained, were attacked by torchattacks 3.5, Foolbox 3.3 and the authors'
AutoAttack under PyTorch 1.13. Here each of these attacks is run again by ours with the same parameters on the same ${results[0]?.images ?? 0} images, with one
seed. Every adversarial input of ours was checked in plain arithmetic: its norm, its box, and its class on another forward pass.

Robust: percentage of images still classified right. Median norm: of the perturbations, over the images that theirs broke, for attacks
without a budget (with one, ours stop at the first adversarial input, so that norms say nothing). Equal: within one percentage point and, where
norms are compared, two percent; weaker and stronger are what lies beyond.

${run.length} of ${results.length} records compared: ${count('equal')} equal, ${count('stronger')} stronger, ${count('**weaker**')} weaker. ${versions.join('; ')}. Written by \`npm run bench:reference\`.

| Network | Theirs | Norm | eps | Parameters | Ours | Robust, theirs | Robust, ours | Difference | Median norm, theirs | Median norm, ours | Verdict |
| --- | --- | --- | --: | --- | --- | --: | --: | --: | --: | --: | --- |
${results.map(row).join('\n')}
`;
}
