// Our attacks beside those of public libraries: npm run bench:reference [-- --only apgd] [-- --fresh].
// Every record of ../shared/reference is run again with the record's own parameters by our attack of that family, on all its images;
// what comes back is checked in plain arithmetic (norm, box, class). Each result is stored when it is there, so that a run continues
// where another one stopped; a result counts as long as the attack's configuration is the same. The page is written from what is stored.
// A family's cases are one file in cases/: [{ library, attack, ours(params, record) => Attack, note? }].
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { startWasm } from '@robustjs/backend-wasm';
import { attackReference, compareWithRecord, referenceNetworks } from '@robustjs/testkit/reference';
import { page } from './page.mjs';

const at = process.argv.indexOf('--only');
const only = at < 0 ? '' : process.argv[at + 1];
const fresh = process.argv.includes('--fresh');
const place = (name) => new URL(name, import.meta.url);
const STORE = place('../results/reference/comparison.json');
const PAGE = place('../../docs/reference-comparison.md');

const versionOf = (manifest) => JSON.parse(readFileSync(place(manifest), 'utf8')).version;

/** Written beside and moved into place: a run that is stopped leaves no half of a file. */
function write(url, text) {
  const draft = new URL(`${url.href}.draft`);
  writeFileSync(draft, text);
  renameSync(draft, url);
}

const modules = await Promise.all(readdirSync(place('cases')).filter((name) => name.endsWith('.mjs')).map((name) => import(place(`cases/${name}`).href)));
const cases = modules.flatMap((module) => module.cases);

const runtime = await startWasm();
const versions = { attacks: versionOf('../../packages/attacks/package.json'), tfjs: runtime.version, variant: runtime.variant };
mkdirSync(place('../results/reference/'), { recursive: true });
const read = () => (existsSync(STORE) ? JSON.parse(readFileSync(STORE, 'utf8')).results : {});
/** Into what is stored now, not what was at the start: somebody may be running other cases. */
const store = (key, result) => write(STORE, `${JSON.stringify({ results: { ...read(), [key]: result } }, null, 1)}\n`);
const stored = read();
const results = {};
const order = [];

for (const network of referenceNetworks().filter(({ present }) => present)) {
  const reference = await network.load();
  for (const record of reference.records) {
    const key = [network.name, record.library, record.attack, JSON.stringify(record.params)].join(' ');
    const theirs = { network: network.name, library: record.library, attack: record.attack, norm: record.norm, params: record.params };
    const found = cases.find(({ library, attack }) => library === record.library && attack === record.attack);
    order.push(key);
    if (found === undefined) {
      results[key] = { ...theirs, images: reference.ids.length };
      continue;
    }
    const attack = found.ours(record.params, record);
    const ours = { id: attack.id, config: attack.config };
    const known = stored[key];
    const same = JSON.stringify(known?.ours) === JSON.stringify(ours);
    const wanted = `${key} ${attack.id}`.toLowerCase().includes(only.toLowerCase());
    if (known?.ours !== undefined && (!wanted || (same && !fresh))) {
      results[key] = known;
      continue;
    }
    if (!wanted) continue;
    const started = Date.now();
    const run = await attackReference(reference, attack, { norm: record.norm, eps: record.eps });
    results[key] = { ...theirs, images: reference.ids.length, ours, versions, ...compareWithRecord(record, run), ...(found.note && { note: found.note }) };
    const { robust, medianNorm } = results[key];
    const norms = medianNorm === undefined ? '' : `, median norm ${medianNorm.theirs.toFixed(4)} theirs, ${medianNorm.ours.toFixed(4)} ours`;
    console.log(`${key}: ${robust.theirs} robust theirs, ${robust.ours} ours${norms} (${Math.round((Date.now() - started) / 1000)} s)`);
    store(key, results[key]);
  }
  reference.dispose();
}

if (order.length === 0) {
  console.log('There is no ../shared/reference: nothing to compare with.');
} else {
  const now = read();
  const kept = Object.fromEntries(order.filter((key) => now[key] ?? results[key]).map((key) => [key, now[key]?.ours ? now[key] : (results[key] ?? now[key])]));
  write(STORE, `${JSON.stringify({ results: kept }, null, 1)}\n`);
  write(PAGE, page(Object.values(kept)));
}
