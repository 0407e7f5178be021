import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../tidy/sources.js';

const guide = join(root, 'docs/guide');

/** What users read: their code is compiled and run. */
export const documents: readonly string[] = [
  join(root, 'README.md'),
  join(root, 'SECURITY.md'),
  ...readdirSync(guide)
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(guide, file)),
];

/** Code in a document. */
export interface Block {
  readonly document: string;
  /** Where it starts in the document, counted from 1. */
  readonly line: number;
  readonly language: string;
  /** Why the code cannot be run, from the fence: "```ts no-run: it needs a cluster of Kubernetes". */
  readonly notRunSince: string | undefined;
  readonly code: string;
}

/** The blocks of a document, in order. */
export function blocksOf(document: string, text = readFileSync(document, 'utf8')): readonly Block[] {
  const blocks: Block[] = [];
  let open: (Omit<Block, 'code'> & { readonly code: string[] }) | undefined;
  for (const [index, each] of text.split('\n').entries()) {
    const fence = /^\s*```(.*)$/.exec(each);
    if (fence === null) open?.code.push(each);
    else if (open === undefined) {
      const [, language, notRunSince] = /^(.*?)(?: no-run: (.+))?$/.exec(fence[1]!.trim())!;
      open = { document, line: index + 1, language: language!, notRunSince, code: [] };
    } else {
      blocks.push({ ...open, code: `${open.code.join('\n')}\n` });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${document}:${open.line}: the block has no end`);
  return blocks;
}

/** All TypeScript that users read. */
export function typescriptBlocks(): readonly Block[] {
  return documents.flatMap((document) => blocksOf(document)).filter(({ language }) => language === 'ts');
}

/** Whether a block shows tests, which a test file runs as they are. */
export function showsTests({ code }: Block): boolean {
  return /^it[.(]/m.test(code);
}
