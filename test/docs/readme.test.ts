import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { root } from '../tidy/sources.js';
import { blocksOf, documents, typescriptBlocks, type Block } from './blocks.js';

/** Every language that a fence may have: another spelling of `ts` would not be checked. */
const LANGUAGES = ['ts', 'sh', 'json', 'text'];

/** What a user's project has: strict, ESM, decorators with metadata; the package as its exports show it. */
const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  lib: ['lib.es2023.d.ts'],
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  isolatedModules: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: true,
  noEmit: true,
};

/** The library's and Node's declarations, which every block needs, are parsed once. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Each block as a file of its own in this package, so that `clusterpack` means its exports; none is written. */
function typeErrors(blocks: readonly Block[]): string[] {
  const files = new Map(blocks.map((block, i) => [join(root, `documented-${i}.ts`), block]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path)?.code ?? readFile(path);
  host.getSourceFile = (path, version, ...rest) => {
    const block = files.get(path);
    if (block !== undefined) return ts.createSourceFile(path, block.code, version);
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, version, ...rest));
    return parsed.get(path);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n');
    const block = file === undefined ? undefined : files.get(file.fileName);
    if (file === undefined || block === undefined) return text;
    const line = block.line + 1 + file.getLineAndCharacterOfPosition(start).line;
    return `${relative(root, block.document)}:${line}: ${text}`;
  });
}

describe('the documents', () => {
  it('have only code whose language is known', () => {
    const unknown = documents
      .flatMap((document) => blocksOf(document))
      .filter(({ language }) => !LANGUAGES.includes(language));
    expect(unknown).toEqual([]);
  });

  it('have only TypeScript that compiles against the built package', () => {
    const blocks = typescriptBlocks();
    expect(blocks.length).toBeGreaterThan(8);
    expect(existsSync(join(root, 'dist/index.d.ts'))).toBe(true);
    // Each block by itself: what one declares, another must not need.
    expect(blocks.flatMap((block) => typeErrors([block]))).toEqual([]);
  });

  it('have only JSON that parses', () => {
    const blocks = documents
      .flatMap((document) => blocksOf(document))
      .filter(({ language }) => language === 'json');
    for (const { code } of blocks) expect(() => JSON.parse(code)).not.toThrow();
  });

  it('link only to files that exist', () => {
    const broken = documents.flatMap((document) => {
      const links = [...readFileSync(document, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(
        (match) => match[1]!,
      );
      const local = links.filter((link) => !/^[a-z]+:/.test(link));
      return local
        .filter((link) => !existsSync(join(dirname(document), link)))
        .map((link) => `${document}: ${link}`);
    });
    expect(broken).toEqual([]);
  });
});
