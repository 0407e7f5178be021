import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, sourcesIn } from '../tidy/sources.js';

const guide = readFileSync(join(root, 'docs/guide/security.md'), 'utf8');
const written = sourcesIn('src').map(({ text }) => text);

/** Parts of the lines that the guide explains; `…` stands for what differs from one to the next. */
function quoted(): readonly string[] {
  const section = guide.split(/^## /m).find((each) => each.startsWith('What the log says\n')) ?? '';
  const cells = section.split('\n').flatMap((line) => /^\| (`.*?`)\s+\|/.exec(line)?.[1] ?? []);
  return cells.flatMap((cell) => cell.replaceAll('`', '').split('…'));
}

describe('docs/guide/security.md', () => {
  it('explains only lines that the code writes', () => {
    const parts = quoted().filter((part) => /\w{2}/.test(part));
    expect(parts.length).toBeGreaterThan(20);
    const unknown = parts.filter((part) => !written.some((text) => text.includes(part.trim())));
    expect(unknown).toEqual([]);
  });
});
