import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { read, root, type Finding } from './sources.js';

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  experimentalDecorators: true,
  skipLibCheck: true,
  noLib: true,
  types: [],
};

/** The source of every module that package.json exports: a new subpath is checked from its first day. */
function publicEntries(): readonly string[] {
  const { exports } = JSON.parse(read('package.json').text) as {
    exports: Readonly<Record<string, string | { readonly default: string }>>;
  };
  const built = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [] : target.default,
  );
  return built.map((path) => join(root, path.replace(/^\.\/dist\/(.*)\.js$/, 'src/$1.ts')));
}

/**
 * What the modules `entries` export without a doc comment, without `@publicApi`, or with a member that has no
 * doc comment, neither its own nor one that it inherits: missing docs do not pass.
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
  const found = entries.flatMap((entry) => {
    const file = program.getSourceFile(entry);
    const module = file && checker.getSymbolAtLocation(file);
    if (!module) return [`${entry}:1 exports nothing`];
    return checker.getExportsOfModule(module).flatMap((symbol) => {
      const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      return findingsIn(real, checker).map((what) => `${whereIs(real, entry)} exports ${what}`);
    });
  });
  // One thing may stand in several entries.
  return [...new Set(found)];
}

function whereIs(symbol: ts.Symbol, entry: string): string {
  const declaration = symbol.declarations?.[0];
  if (!declaration) return `${entry}:1`;
  const file = declaration.getSourceFile();
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(declaration.getStart(file)).line + 1}`;
}

function findingsIn(symbol: ts.Symbol, checker: ts.TypeChecker): readonly string[] {
  const found: string[] = [];
  const tags = symbol.getJsDocTags(checker).map(({ name }) => name);
  if (!isDocumented(symbol, checker)) found.push(`${symbol.name}, which has no doc comment`);
  if (!tags.includes('publicApi')) found.push(`${symbol.name} without @publicApi`);
  if (tags.includes('internal')) found.push(`${symbol.name}, which is @internal`);
  for (const member of publicMembers(symbol)) {
    if (!isDocumented(member, checker) && !isDocumented(inClassOf(symbol, member) ?? member, checker)) {
      found.push(`${symbol.name}, whose member ${member.name} has no doc comment`);
    }
  }
  return found;
}

function isDocumented(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  return symbol.getDocumentationComment(checker).some((part) => part.text.trim() !== '');
}

/** The fields that a class is made of (`MemberFields`) are told once, at the class (`Member`). */
function inClassOf(fields: ts.Symbol, member: ts.Symbol): ts.Symbol | undefined {
  const file = fields.declarations?.[0]?.getSourceFile();
  const exported = (file as unknown as { symbol?: ts.Symbol } | undefined)?.symbol?.exports;
  return exported
    ?.get(ts.escapeLeadingUnderscores(fields.name.replace(/Fields$/, '')))
    ?.members?.get(member.escapedName);
}

/** What users can name of a class (static members too), an interface, or a type of an object. */
function publicMembers(symbol: ts.Symbol): readonly ts.Symbol[] {
  const own = (symbol.declarations ?? []).flatMap((declaration) => {
    if (ts.isTypeAliasDeclaration(declaration) && ts.isTypeLiteralNode(declaration.type)) {
      return declaration.type.members.map((member) => member.name);
    }
    if (!ts.isClassDeclaration(declaration) && !ts.isInterfaceDeclaration(declaration)) return [];
    return declaration.members.flatMap((member): readonly (ts.Node | undefined)[] =>
      // A constructor's parameters that are properties are members, too.
      ts.isConstructorDeclaration(member)
        ? member.parameters
            .filter(
              (parameter) => ts.isParameterPropertyDeclaration(parameter, member) && isPublic(parameter),
            )
            .map(({ name }) => name)
        : isPublic(member)
          ? [member.name]
          : [],
    );
  });
  const names = own.flatMap((name) => (name && ts.isIdentifier(name) ? [name.text] : []));
  const members = [...(symbol.members?.values() ?? []), ...(symbol.exports?.values() ?? [])];
  const ofAlias = (symbol.declarations ?? []).flatMap((declaration) =>
    ts.isTypeAliasDeclaration(declaration) && ts.isTypeLiteralNode(declaration.type)
      ? declaration.type.members.map((member) => (member as unknown as { symbol: ts.Symbol }).symbol)
      : [],
  );
  return [...members, ...ofAlias].filter(({ name }) => names.includes(name));
}

function isPublic(member: ts.Declaration): boolean {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return (
    (ts.getCombinedModifierFlags(member) & hidden) === 0 &&
    !ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal')
  );
}

describe('the public API is documented', () => {
  it('in every entry of the package', () => {
    const entries = publicEntries();
    expect(entries.length).toBeGreaterThanOrEqual(5);
    expect(entries.filter((entry) => !existsSync(entry))).toEqual([]);
    expect(undocumented(entries).map((finding) => finding.slice(root.length + 1))).toEqual([]);
  });

  it('and an export without a doc comment or tag is found, also behind a re-export', () => {
    const entry = join(root, 'src', 'planted.ts');
    const virtual = new Map([
      [entry, "export { hidden, told } from './planted-part.js';\nexport type Bare = number;\n"],
      [
        join(root, 'src', 'planted-part.ts'),
        '/** Told. @publicApi */\nexport const told = 1;\n/** @publicApi */\nexport function hidden() {}\n',
      ],
    ]);
    expect(undocumented([entry], virtual).map((finding) => finding.slice(root.length))).toEqual([
      '/src/planted-part.ts:4 exports hidden, which has no doc comment',
      '/src/planted.ts:2 exports Bare, which has no doc comment',
      '/src/planted.ts:2 exports Bare without @publicApi',
    ]);
  });

  it('and a member without one is found, in classes, interfaces and types of objects', () => {
    const entry = join(root, 'src', 'planted.ts');
    const text = `
      /** A contract. @publicApi */
      export interface Contract {
        bare(): void;
        /** Told. */
        told: number;
      }
      /** It inherits what is told. @publicApi */
      export class Thing implements Contract {
        told = 1;
        static of() {}
        /** Not for users. @internal */
        inside = 1;
        #own = 1;
        private hidden = 1;
        constructor(readonly given: number, /** Told. */ readonly named: number) {}
        bare() {}
      }
      /** An object. @publicApi */
      export type Options = { readonly size: number };
      /** What a Thing is made of. @publicApi */
      export interface ThingFields { told: number }
      /** For us. @publicApi @internal */
      export const ours = 1;`;
    const found = undocumented([entry], new Map([[entry, text]]));
    expect(found.map((finding) => finding.replace(/^.* exports /, ''))).toEqual([
      'Contract, whose member bare has no doc comment',
      'Thing, whose member given has no doc comment',
      'Thing, whose member bare has no doc comment',
      'Thing, whose member of has no doc comment',
      'Options, whose member size has no doc comment',
      'ours, which is @internal',
    ]);
  });
});
