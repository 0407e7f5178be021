import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { read, root } from '../tidy/sources.js';
import type { Block } from './blocks.js';

const folder = join(root, 'temp/documented');
const { name, exports } = JSON.parse(read('package.json').text) as {
  name: string;
  exports: Readonly<Record<string, string | { readonly default: string }>>;
};

/**
 * Writes a block as a module that Jest can import: `clusterpack` is the package's source, and every class of the block is
 * exported, so that it can be started.
 *
 * @returns the file
 */
export function fileOf(block: Block): string {
  const file = join(folder, `${relative(root, block.document).replaceAll(/\W/g, '-')}-${block.line}.ts`);
  const resolved = block.code.replaceAll(
    new RegExp(`from '(${name}(?:/[^']*)?)'`, 'g'),
    (_, specifier: string) => `from '${relative(dirname(file), sourceOf(specifier))}'`,
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${resolved}\nexport { ${hiddenClasses(block.code).join(', ')} };\n`);
  return file;
}

/** Where the source is of what users import. */
function sourceOf(specifier: string): string {
  const target = exports[`.${specifier.slice(name.length)}`];
  if (typeof target !== 'object') throw new Error(`${specifier} is not exported by the package`);
  return join(root, target.default.replace('./dist/', 'src/'));
}

/** Names of the classes that the block does not export itself. */
function hiddenClasses(code: string): readonly string[] {
  const file = ts.createSourceFile('block.ts', code, ts.ScriptTarget.ES2022, true);
  return file.statements.flatMap((statement) =>
    ts.isClassDeclaration(statement) &&
    statement.name !== undefined &&
    !statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
      ? [statement.name.text]
      : [],
  );
}
