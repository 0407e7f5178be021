import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** One file as a rule sees it: `path` is relative to the repository, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** A broken rule, as `path:line what`. */
export type Finding = string;

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Every file that git tracks or would track: new files must be tidy before they are committed. */
export function repositoryFiles(): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return listed
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)) && statSync(join(root, path)).isFile());
}

/** The files under `folders` whose names end in `.ts`. */
export function sourcesIn(...folders: readonly string[]): readonly Source[] {
  return repositoryFiles()
    .filter((path) => path.endsWith('.ts') && folders.some((folder) => path.startsWith(`${folder}/`)))
    .map(read);
}

export function read(path: string): Source {
  return { path, text: readFileSync(join(root, path), 'utf8') };
}

/** What `source` imports, exports from, or imports dynamically, with the line of each. */
export function importsOf(source: Source): readonly { readonly specifier: string; readonly line: number }[] {
  return ts
    .preProcessFile(source.text, true, true)
    .importedFiles.map(({ fileName, pos }) => ({ specifier: fileName, line: lineAt(source.text, pos) }));
}

/** Calls `visit` with every node of the syntax tree, and with the line it is on. */
export function walk(source: Source, visit: (node: ts.Node, line: number) => void): void {
  const file = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.ES2022, true);
  const step = (node: ts.Node): void => {
    visit(node, file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1);
    ts.forEachChild(node, step);
  };
  step(file);
}

export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length;
}
