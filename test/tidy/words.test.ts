import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { sourcesIn, walk, type Finding, type Source } from './sources.js';

const maxLines = 400;

/** A file that passes 400 lines is probably two. */
function tooLong(source: Source): readonly Finding[] {
  const lines = source.text.split('\n').length - (source.text.endsWith('\n') ? 1 : 0);
  return lines > maxLines
    ? [`${source.path}:${maxLines + 1} has ${lines} lines; ${maxLines} are allowed`]
    : [];
}

const emptyWords = /(Manager|Helpers?|Utils?|Base|Impl)(?![a-z0-9])/;
const emptyFileWords = /(^|[-./])(manager|helpers?|utils?|base|impl)(?=[-.])/i;

/** Names that say nothing about what a thing does. */
function emptyNames(source: Source): readonly Finding[] {
  const found: Finding[] = [];
  const file = source.path.slice(source.path.lastIndexOf('/') + 1);
  if (emptyFileWords.test(file)) found.push(`${source.path}:1 is a file named ${file}`);
  walk(source, (node, line) => {
    if (!ts.isIdentifier(node) || !declares(node)) return;
    if (emptyWords.test(node.text)) found.push(`${source.path}:${line} names something ${node.text}`);
  });
  return found;
}

/** Whether `node` is the name in a declaration: what others are called is not ours to choose. */
function declares(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isClassDeclaration(parent) ||
      ts.isFunctionDeclaration(parent) ||
      ts.isInterfaceDeclaration(parent) ||
      ts.isTypeAliasDeclaration(parent) ||
      ts.isEnumDeclaration(parent) ||
      ts.isVariableDeclaration(parent) ||
      ts.isParameter(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isPropertySignature(parent)) &&
    parent.name === node
  );
}

// AggregateError is free: it is the `cause` of an error of ours that has several.
const builtInErrors = /^(Error|EvalError|RangeError|ReferenceError|SyntaxError|TypeError|URIError)$/;

/** Users tell errors apart by class and code, so a bare one is never thrown and every class is in errors.ts. */
function bareErrors(source: Source): readonly Finding[] {
  const found: Finding[] = [];
  walk(source, (node, line) => {
    if (
      (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
      builtInErrors.test(node.expression.getText())
    ) {
      found.push(`${source.path}:${line} makes a bare ${node.expression.getText()}`);
    }
    const isHome = source.path === 'src/errors.ts';
    if (
      ts.isHeritageClause(node) &&
      !ts.isInterfaceDeclaration(node.parent) &&
      !isHome &&
      builtInErrors.test(node.types[0]?.expression.getText() ?? '')
    ) {
      found.push(`${source.path}:${line} defines an error class outside src/errors.ts`);
    }
  });
  return found;
}

/** A test that is switched off, or that switches the others off. */
function switchedOffTests(source: Source): readonly Finding[] {
  const found: Finding[] = [];
  walk(source, (node, line) => {
    if (ts.isPropertyAccessExpression(node) && /^(describe|it|test)\b/.test(node.expression.getText())) {
      // `(hasIpv6 ? it : it.skip)` depends on the machine, not on somebody who comes back to it.
      const isMachineDependent = node.name.text === 'skip' && ts.isConditionalExpression(node.parent);
      if (!isMachineDependent && /^(only|skip|todo|failing)$/.test(node.name.text))
        found.push(`${source.path}:${line} has ${node.getText()}`);
    }
    if (
      ts.isCallExpression(node) &&
      /^(fdescribe|fit|xdescribe|xit|xtest)$/.test(node.expression.getText())
    ) {
      found.push(`${source.path}:${line} has ${node.expression.getText()}`);
    }
  });
  return found;
}

const src = sourcesIn('src');

describe('a file in src/ has at most 400 lines', () => {
  it('in the whole tree', () => {
    expect(src.flatMap(tooLong)).toEqual([]);
  });

  it('and one more is found', () => {
    expect(tooLong({ path: 'src/a.ts', text: '\n'.repeat(400) })).toEqual([]);
    expect(tooLong({ path: 'src/a.ts', text: '\n'.repeat(401) })).toHaveLength(1);
  });
});

describe('names say what a thing does', () => {
  it('in the whole of src/', () => {
    expect(src.flatMap(emptyNames)).toEqual([]);
  });

  it.each([
    ['src/a.ts', 'class ConnectionManager {}'],
    ['src/a.ts', 'function frameHelper() {}'],
    ['src/a.ts', 'interface TransportBase {}'],
    ['src/a.ts', 'const swimImpl = 1;'],
    ['src/a.ts', 'type TimeUtils = 1;'],
    ['src/transport/tcp/frame-utils.ts', ''],
    ['src/helpers.ts', ''],
  ])('and in %s this is found: %s', (path, text) => {
    expect(emptyNames({ path, text })).toHaveLength(1);
  });

  it('while words that only contain one are free', () => {
    const text = 'class Implicit {}\nclass Database {}\nconst toBase64Url = 1;\nconst baseDelayMs = 1;\n';
    expect(emptyNames({ path: 'src/implied-baseline.ts', text })).toEqual([]);
  });
});

describe('every error in src/ is a class of errors.ts', () => {
  it('in the whole tree', () => {
    expect(src.flatMap(bareErrors)).toEqual([]);
  });

  it.each([
    "throw new Error('no');",
    "reject(new TypeError('no'));",
    "throw Error('no');",
    'class Odd extends Error {}',
  ])('and this is found: %s', (text) => {
    expect(bareErrors({ path: 'src/cluster/node.ts', text })).toHaveLength(1);
  });
});

describe('no test is switched off', () => {
  it('in the whole tree', () => {
    expect(sourcesIn('test').flatMap(switchedOffTests)).toEqual([]);
  });

  it.each([
    "it.only('x', () => {});",
    "describe.skip('x', () => {});",
    "test.todo('x');",
    "xit('x', () => {});",
  ])('and this is found: %s', (text) => {
    expect(switchedOffTests({ path: 'test/a.test.ts', text })).toHaveLength(1);
  });
});
