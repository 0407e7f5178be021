import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, sourcesIn } from '../tidy/sources.js';

const written = sourcesIn('src').map(({ text }) => text);

/** Parts of the lines that a chapter explains; `…` stands for what differs from one to the next. */
function quoted(chapter: string): readonly string[] {
  const text = readFileSync(join(root, 'docs/guide', chapter), 'utf8');
  const section = text.split(/^## /m).find((each) => each.startsWith('What the log says\n')) ?? '';
  const cells = section.split('\n').flatMap((line) => /^\| (`.*?`)\s+\|/.exec(line)?.[1] ?? []);
  return cells.flatMap((cell) => cell.replaceAll('`', '').split('…')).filter((part) => /\w{2}/.test(part));
}

describe('the guide explains only lines that the code writes', () => {
  it.each(['security.md', 'operations.md'])('in %s', (chapter) => {
    const parts = quoted(chapter);
    expect(parts.length).toBeGreaterThan(20);
    const unknown = parts.filter((part) => !written.some((text) => text.includes(part.trim())));
    expect(unknown).toEqual([]);
  });
});
