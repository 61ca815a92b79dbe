import type { AttackPlugin, DefensePlugin, Plugin, ThreatModel } from '@robustjs/core';
import type { describe as Describe, it as It } from 'vitest';
import { attackConformance } from './attack-conformance.ts';
import { branchesConformance } from './branches-conformance.ts';
import { defenseConformance } from './defense-conformance.ts';
import { exportConformance } from './export-conformance.ts';
import { hasOption, optionsConformance } from './options-conformance.ts';
import { useWasm } from './use-wasm.ts';

/** vitest's functions that declare tests. */
export interface TestFunctions {
  readonly describe: typeof Describe;
  readonly it: typeof It;
}

/** What {@link conformance} takes besides the plugin. */
export interface ConformanceSettings extends TestFunctions {
  /** Options to test with besides the defaults, such as fewer steps. Default: none, the defaults as they are. */
  readonly options?: object;
  /** For attack plugins: the threat models to attack under. Default: Linf of 0.1, L2 of 0.8. */
  readonly threats?: readonly ThreatModel[];
}

/**
 * Declares the tests that every plugin passes. Which ones apply is read from its kind, its capabilities and its options,
 * never from its name; what does not apply is skipped by name. Starts the runtime and watches for leaks.
 */
export function conformance<Options>(plugin: Plugin<Options>, settings: ConformanceSettings): void {
  const { describe, options = {} } = settings;
  describe(`conformance of ${plugin.id}`, () => {
    useWasm();
    // The suite passes on what the plugin's own schema made of plain objects, so it need not know the options' type.
    const { kind } = plugin;
    optionsConformance(plugin, options, settings);
    if (kind === 'attack') attackPluginConformance(plugin, settings);
    else defensePluginConformance(plugin, settings);
  });
}

function attackPluginConformance(plugin: AttackPlugin, { options = {}, ...settings }: ConformanceSettings): void {
  const create = (more: object) => plugin.create(plugin.options.parse({ ...options, ...more }));
  attackConformance(plugin.id, create, { ...settings, steps: hasOption(plugin, 'steps') });
}

function defensePluginConformance(plugin: DefensePlugin, settings: ConformanceSettings): void {
  const { options = {} } = settings;
  const create = (more: object = {}) => plugin.create(plugin.options.parse({ ...options, ...more }));
  const can = new Set(plugin.capabilities);
  const compares = can.has('metric-learning');
  if (compares || can.has('image-classification')) {
    defenseConformance(create, { ...settings, stochastic: can.has('stochastic'), eps: hasOption(plugin, 'eps'), compares });
    exportConformance(create, settings);
  }
  if (can.has('branches')) branchesConformance(create, settings);
}
