import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { importsOf, sourcesIn, walk, type Finding, type Source } from './sources.js';

const ambient = new Set([
  'Date',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'globalThis',
]);

/**
 * A pure file learns the time and gets its random numbers from what it is given, and never waits: that is what
 * lets a failing run be replayed from its seed.
 */
function impurities(source: Source): readonly Finding[] {
  const found: Finding[] = importsOf(source)
    .filter(({ specifier }) => specifier.startsWith('node:'))
    .map(({ specifier, line }) => `${source.path}:${line} imports ${specifier}`);
  walk(source, (node, line) => {
    const what = impurity(node);
    if (what !== undefined) found.push(`${source.path}:${line} uses ${what}`);
  });
  return found;
}

function impurity(node: ts.Node): string | undefined {
  if (ts.isAwaitExpression(node)) return 'await';
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') return 'Math.random';
  if (!ts.isIdentifier(node) || isNameOfProperty(node)) return undefined;
  if (node.text === 'Promise') return 'Promise';
  return ambient.has(node.text) ? node.text : undefined;
}

/** `frame.process` and `{ process: 1 }` name a property, not the global. */
function isNameOfProperty(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return (
    (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent)) &&
    parent.name === node
  );
}

/** The user's contract of a membership promises; everything else in these folders is a state machine. */
function isPure(path: string): boolean {
  return path !== 'src/membership/membership.ts';
}

describe('the protocols are pure', () => {
  it('in src/membership/ and src/transport/session/', () => {
    const pure = sourcesIn('src/membership', 'src/transport/session').filter(({ path }) => isPure(path));
    expect(pure.flatMap(impurities)).toEqual([]);
  });

  it('and the contract of a membership takes nothing from outside but promises', () => {
    const contract = sourcesIn('src/membership').filter(({ path }) => !isPure(path));
    expect(contract.flatMap(impurities).filter((finding) => !finding.endsWith('uses Promise'))).toEqual([]);
  });

  it.each([
    "import { connect } from 'node:net';",
    'const now = Date.now();',
    'const born = new Date();',
    'const luck = Math.random();',
    'setTimeout(() => {}, 1);',
    'setInterval(() => {}, 1);',
    'setImmediate(() => {});',
    'queueMicrotask(() => {});',
    'const now = performance.now();',
    'const { env } = process;',
    'const later = new Promise(() => {});',
    'let later: Promise<void>;',
    'async function wait() {}',
    'const wait = async () => {};',
    'const late = globalThis.setTimeout;',
  ])('and this is found: %s', (text) => {
    expect(impurities({ path: 'src/membership/swim/bad.ts', text })).not.toEqual([]);
  });

  it('while words in comments and names of properties are free', () => {
    const text =
      '// Date and setTimeout are not here.\nconst x = { process: 1, Date: 2 };\nframe.process(x.Date);\n';
    expect(impurities({ path: 'src/membership/swim/good.ts', text })).toEqual([]);
  });
});
