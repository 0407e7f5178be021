import { expect, it } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDER = join(ROOT, 'temp/testing-guide');

/** Where users find the package, and where its source is. */
const entries: Readonly<Record<string, string>> = {
  clusterpack: 'src/index.js',
  'clusterpack/testing': 'src/testing.js',
};

/** The tests that the guide shows, each as a file that Jest can run. */
function testsIn(document: string): readonly string[] {
  const blocks = [...readFileSync(join(ROOT, document), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)];
  const tests = blocks.map((match) => match[1]!).filter((code) => /^it[.(]/m.test(code));
  mkdirSync(FOLDER, { recursive: true });
  return tests.map((code, index) => {
    const file = join(FOLDER, `block-${index}.ts`);
    const resolved = code.replace(/from '(clusterpack[^']*)'/g, (_, name: string) => {
      return `from '${relative(dirname(file), join(ROOT, entries[name]!))}'`;
    });
    writeFileSync(file, resolved);
    return file;
  });
}

const files = testsIn('docs/guide/testing.md');

// What a block says with `it` becomes a test of this file.
for (const file of files) await import(file);

it('the guide to testing shows tests', () => expect(files.length).toBeGreaterThan(5));
