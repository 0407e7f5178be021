import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { resolveOptions } from '../../src/cluster/validate-options.js';
import { resolveSwimOptions } from '../../src/membership/swim/options.js';
import { DEFAULT_LIMITS } from '../../src/transport/session/limits.js';
import { DEFAULT_TCP_LIMITS } from '../../src/transport/tcp/tcp-options.js';

const text = readFileSync(new URL('../../docs/LIMITS.md', import.meta.url), 'utf8');

/** Rows of the table below a heading: first cell without its backticks, then the second. */
function rowsBelow(heading: string): Map<string, string> {
  const section = text.split(/^## /m).find((each) => each.startsWith(heading)) ?? '';
  return new Map(
    [...section.matchAll(/^\| *`([^`]+)` *\| *([^|]+?) *\|/gm)].map((match) => [match[1]!, match[2]!]),
  );
}

/** A bound as the document writes it, by the unit in its name. */
function written(name: string, value: number): string {
  if (name.endsWith('Ms')) return `${value.toLocaleString('en-US')} ms`;
  if (!name.endsWith('Bytes')) return value.toLocaleString('en-US');
  if (value % 2 ** 20 === 0) return `${value / 2 ** 20} MiB`;
  return value % 2 ** 10 === 0 ? `${value / 2 ** 10} KiB` : `${value.toLocaleString('en-US')} bytes`;
}

describe('docs/LIMITS.md', () => {
  it('has every limit of a node with its default, and no other', () => {
    const limits = Object.entries(resolveOptions({ enabled: false }).limits);
    const expected = limits.map(([name, value]) => [`limits.${name}`, written(name, value)] as const);
    expect(Object.fromEntries(rowsBelow('Of a node'))).toEqual(Object.fromEntries(expected));
  });

  it('has every bound of the protocol with its default', () => {
    const swim = resolveSwimOptions();
    const rows = rowsBelow('Of the protocol');
    const bounds = Object.keys(swim).filter((name) => name.startsWith('max') && name !== 'maxLocalHealth');
    for (const name of bounds.filter((each) => !each.endsWith('SpacingMs'))) {
      expect([...rows.keys()]).toContain(`swim.${name}`);
    }
    for (const [option, value] of rows) {
      const name = option.slice('swim.'.length) as keyof typeof swim;
      expect([option, value]).toEqual([option, written(name, swim[name] as number)]);
    }
  });

  it.each([
    ['Of a connection', DEFAULT_TCP_LIMITS],
    ['Of a session', DEFAULT_LIMITS],
  ])('has the right numbers %s', (heading, limits) => {
    const rows = rowsBelow(heading);
    expect(rows.size).toBeGreaterThan(0);
    for (const [name, value] of rows) {
      expect([name, value]).toEqual([name, written(name, limits[name as keyof typeof limits])]);
    }
  });
});
