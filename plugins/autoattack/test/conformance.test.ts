import { l1, l2, linf } from '@robustjs/core';
import { conformance } from '@robustjs/testkit';
import { describe, it } from 'vitest';
import { plugin } from '../src/index.ts';

// All kinds of members, with few steps.
const members = [
  { id: 'apgd-ce', options: { steps: 5 } },
  { id: 'apgd-t', options: { steps: 4 } },
  { id: 'fab-t', options: { steps: 3 } },
  { id: 'square', options: { queries: 10 } },
];

conformance(plugin, { describe, it, options: { version: 'custom', members }, threats: [linf(0.1), l2(0.8), l1(4)] });
