import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));
const files = readdirSync(here).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));

const { config } = ts.readConfigFile(join(here, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
  config: unknown;
};
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, here);

const parsed = new Map<string, ts.SourceFile | undefined>();
let last: ts.Program | undefined;

/** What the compiler says of the type tests, as `file:line`; files in `changed` are read from there. */
function complaints(changed: Readonly<Record<string, string>> = {}): string[] {
  const host = ts.createCompilerHost(options);
  const { getSourceFile, readFile } = host;
  host.readFile = (path) => changed[path.slice(here.length + 1)] ?? readFile(path);
  // What does not change is parsed once.
  host.getSourceFile = (path, version) => {
    const text = changed[path.slice(here.length + 1)];
    if (text !== undefined) return ts.createSourceFile(path, text, version);
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, version));
    return parsed.get(path);
  };
  const rootNames = files.map((file) => join(here, file));
  const program = ts.createProgram({ rootNames, options, host, ...(last && { oldProgram: last }) });
  last = program;
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(here));
  return own
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map(({ file, start }) => {
      const { line } = ts.getLineAndCharacterOfPosition(file!, start!);
      return `${file!.fileName.slice(here.length + 1)}:${line + 1}`;
    });
}

const EXPECTED = /^ *\/\/ @ts-expect-error .+$/;

describe('the types of messages, requests and metadata', () => {
  const texts = Object.fromEntries(files.map((file) => [file, readFileSync(join(here, file), 'utf8')]));

  it('let pass what is right, and find what is wrong', () => {
    expect(files).toEqual(['contracts.ts', 'metadata.ts']);
    expect(complaints()).toEqual([]);
  });

  it('are checked line by line: each line that is expected to be wrong is, and no other', () => {
    const expected: string[] = [];
    const bare = Object.fromEntries(
      Object.entries(texts).map(([file, text]) => {
        const lines = text.split('\n');
        for (const [i, line] of lines.entries()) if (EXPECTED.test(line)) expected.push(`${file}:${i + 2}`);
        return [file, lines.map((line) => (EXPECTED.test(line) ? '//' : line)).join('\n')];
      }),
    );
    expect(expected.length).toBeGreaterThan(40);
    expect([...new Set(complaints(bare))].sort()).toEqual(expected.sort());
  });

  it('are really checked: a planted mistake is found, and so is a line that is not wrong as expected', () => {
    const planted = `${texts['contracts.ts']}export const planted: DataOf<'types-test.note'> = 5;\n`;
    const line = planted.split('\n').length - 1;
    expect(complaints({ 'contracts.ts': planted })).toEqual([`contracts.ts:${line}`]);
    const rightAfterAll = `${texts['metadata.ts']}// @ts-expect-error Nothing is wrong here.\nexport const fine = 1;\n`;
    expect(complaints({ 'metadata.ts': rightAfterAll })).toHaveLength(1);
  });
});
