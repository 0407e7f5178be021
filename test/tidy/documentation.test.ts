import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root, type Finding } from './sources.js';

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  experimentalDecorators: true,
  skipLibCheck: true,
  noLib: true,
  types: [],
};

/**
 * What the modules `entries` export without a doc comment: missing docs do not pass.
 *
 * @param virtual files that exist only for the check, by absolute path
 */
function undocumented(
  entries: readonly string[],
  virtual: ReadonlyMap<string, string> = new Map(),
): readonly Finding[] {
  const host = ts.createCompilerHost(compilerOptions);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => virtual.has(path) || fileExists(path);
  host.readFile = (path) => virtual.get(path) ?? readFile(path);
  const program = ts.createProgram({ rootNames: entries, options: compilerOptions, host });
  const checker = program.getTypeChecker();
  return entries.flatMap((entry) => {
    const file = program.getSourceFile(entry);
    const module = file && checker.getSymbolAtLocation(file);
    if (!module) return [`${entry}:1 exports nothing`];
    return checker
      .getExportsOfModule(module)
      .filter((symbol) => !isDocumented(symbol, checker))
      .map((symbol) => `${entry}:1 exports ${symbol.name}, which has no doc comment`);
  });
}

function isDocumented(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return real.getDocumentationComment(checker).some((part) => part.text.trim() !== '');
}

describe('the public API is documented', () => {
  it('in src/index.ts and src/core.ts', () => {
    const entries = ['src/index.ts', 'src/core.ts'].map((path) => join(root, path));
    expect(entries.filter((entry) => !existsSync(entry))).toEqual([]);
    expect(undocumented(entries)).toEqual([]);
  });

  it('and an export without a doc comment is found, also behind a re-export', () => {
    const entry = join(root, 'src', 'planted.ts');
    const virtual = new Map([
      [entry, "export { hidden, told } from './planted-part.js';\nexport type Bare = number;\n"],
      [
        join(root, 'src', 'planted-part.ts'),
        '/** Told. */\nexport const told = 1;\nexport function hidden() {}\n',
      ],
    ]);
    expect(undocumented([entry], virtual).map((finding) => finding.slice(root.length))).toEqual([
      '/src/planted.ts:1 exports hidden, which has no doc comment',
      '/src/planted.ts:1 exports Bare, which has no doc comment',
    ]);
  });
});
