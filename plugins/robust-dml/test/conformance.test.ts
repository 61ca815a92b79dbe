import { conformance } from '@robustjs/testkit';
import { describe, it } from 'vitest';
import { plugin } from '../src/index.ts';

conformance(plugin, { describe, it });
