import { type Plugin, RobustError } from '@robustjs/core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import type { TestFunctions } from './conformance.ts';

/** What holds of every plugin's description and options. */
export function optionsConformance(plugin: Plugin, options: object, { describe, it }: TestFunctions): void {
  describe('options', () => {
    it('has an id, a paper and capabilities, and is frozen', () => {
      expect(plugin.id).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      expect(plugin.paper.title.length).toBeGreaterThan(10);
      expect(plugin.paper.authors).not.toBe('');
      expect(plugin.paper.venue).not.toBe('');
      expect(plugin.paper.year).toBeGreaterThan(1990);
      expect(plugin.paper.url).toMatch(/^https:\/\//);
      expect(new Set(plugin.capabilities).size).toBe(plugin.capabilities.length);
      expect(Object.isFrozen(plugin)).toBe(true);
    });

    it('fills in defaults that survive JSON and a second parse', () => {
      const parsed = plugin.options.parse(options);
      const copied: unknown = JSON.parse(JSON.stringify(parsed));
      expect(copied).toEqual(parsed);
      expect(plugin.options.parse(copied)).toEqual(parsed);
    });

    it('publishes a valid JSON Schema that takes the defaults, describes every option and refuses unknown keys', () => {
      const schema = plugin.options.toJSONSchema() as { properties?: Record<string, { description?: string }> };
      const validate = new Ajv2020({ strict: false }).compile(schema);
      const parsed: unknown = JSON.parse(JSON.stringify(plugin.options.parse(options)));
      expect(validate(parsed), JSON.stringify(validate.errors)).toBe(true);
      expect(validate({ ...(parsed as object), notAnOption: 1 })).toBe(false);
      for (const [name, { description }] of Object.entries(schema.properties ?? {})) expect(description, name).toBeTruthy();
    });

    it('refuses unknown keys', () => {
      expect(() => plugin.options.parse({ ...options, notAnOption: 1 })).toThrow(/notAnOption/);
    });

    it('makes the same thing of the same options, without a side effect on them', () => {
      const parsed = plugin.options.parse(options);
      const before = JSON.stringify(parsed);
      expect(Object.keys(plugin.create(parsed)).sort()).toEqual(Object.keys(plugin.create(parsed)).sort());
      expect(JSON.stringify(parsed)).toBe(before);
    });

    it('refuses a negative budget with a coded error, where it has one', ({ skip }) => {
      if (!hasOption(plugin, 'eps')) skip();
      expect(() => plugin.create(plugin.options.parse({ ...options, eps: -1 }))).toThrow(RobustError);
    });
  });
}

/** Whether a plugin's options have a member of this name. */
export function hasOption(plugin: Plugin, name: string): boolean {
  const { properties = {} } = plugin.options.toJSONSchema() as { properties?: object };
  return Object.hasOwn(properties, name);
}
