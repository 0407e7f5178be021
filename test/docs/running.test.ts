import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { join, relative } from 'node:path';
import { generateSecret, type MembershipService } from '../../src/index.js';
import { root } from '../tidy/sources.js';
import { blocksOf, showsTests, typescriptBlocks, type Block } from './blocks.js';
import { runBlock } from './run-block.js';

/** Blocks that nothing can run are an exception that has to be argued. */
const MAX_NOT_RUN = 2;

const blocks = typescriptBlocks();
const where = ({ document, line }: Block) => `${relative(root, document)}:${line}`;

/** What a document tells its reader to have. */
const environment = { CLUSTER_SECRET: generateSecret(), CLUSTER_PASSPHRASE: 'a passphrase for a test' };

beforeAll(() => {
  Object.assign(process.env, environment);
  Logger.overrideLogger(false);
  jest.spyOn(console, 'log').mockImplementation(() => {});
});

afterAll(() => {
  for (const name of Object.keys(environment)) Reflect.deleteProperty(process.env, name);
});

describe('code that users read runs', () => {
  const run = blocks.filter((block) => block.notRunSince === undefined && !showsTests(block));

  it.each(run.map((block) => [where(block), block] as const))('%s', async (_, block) => {
    await expect(runBlock(block)).resolves.toBeUndefined();
  });

  it('but for a few blocks, each with a reason', () => {
    expect(run.length).toBeGreaterThan(25);
    expect(blocks.filter(({ notRunSince }) => notRunSince !== undefined).length).toBeLessThanOrEqual(
      MAX_NOT_RUN,
    );
  });

  it('and a fence that gives no reason is in no language that is known', () => {
    const fences = ['```ts no-run: it needs a planet', '```', '```ts no-run', '```'];
    expect(blocksOf('planted.md', fences.join('\n'))).toMatchObject([
      { language: 'ts', notRunSince: 'it needs a planet', line: 1 },
      { language: 'ts no-run', notRunSince: undefined, line: 3 },
    ]);
  });

  const nest = "import { Injectable, Module } from '@nestjs/common';\n";
  const ours = "import { ClusterModule, MembershipService, OnClusterRequest, Sender } from 'clusterpack';\n";

  it.each([
    ['throws', "throw new RangeError('planted');", 'planted'],
    [
      'imports what is not exported',
      "import { nothing } from 'clusterpack';\nconsole.log(nothing);",
      'nothing',
    ],
    [
      'names an entry that does not exist',
      "import 'x';\nimport { a } from 'clusterpack/gone';",
      'not exported',
    ],
    [
      'has a module with an option that is none',
      `${nest}${ours}@Module({ imports: [ClusterModule.forRoot({ port: -1 })] })\nclass AppModule {}`,
      'Option "port"',
    ],
    [
      'has a module whose providers Nest cannot make',
      `${nest}${ours}class Other {}\n@Injectable() class Needy { constructor(readonly other: Other) {} }
      @Module({ imports: [ClusterModule.forRoot()], providers: [Needy] })\nexport class AppModule {}`,
      "can't resolve dependencies",
    ],
    [
      'has a provider in no module whose handlers are wrong',
      `${nest}${ours}@Injectable() class Twice {
        constructor(readonly membership: MembershipService) {}
        @OnClusterRequest('a') one() {}
        @OnClusterRequest('a') two() {}
      }`,
      'Twice',
    ],
    [
      'has parameters that are only half decorated',
      `${nest}${ours}@Injectable() class Half { @OnClusterRequest('a') one(@Sender() a: object, b: object) { return [a, b]; } }`,
      'Half',
    ],
  ])('and a block that %s is found', async (what, code, words) => {
    const document = join(root, `planted-${what.replaceAll(' ', '-')}.md`);
    const planted = { document, line: 1, language: 'ts', notRunSince: undefined, code };
    await expect(runBlock(planted)).rejects.toThrow(words);
  });

  it('and what a block has started is closed, when it fails, too', async () => {
    const code = `${nest}${ours}import { NestFactory } from '@nestjs/core';
      @Module({ imports: [ClusterModule.forRoot()] })\nclass AppModule {}
      const app = await NestFactory.create(AppModule);
      await app.listen(3000);
      Object.assign(globalThis, { planted: app.get(MembershipService), url: await app.getUrl() });
      throw new RangeError('planted');`;
    const planted = {
      document: join(root, 'open.md'),
      line: 1,
      language: 'ts',
      notRunSince: undefined,
      code,
    };
    await expect(runBlock(planted)).rejects.toThrow('planted');
    const { planted: membership, url } = globalThis as unknown as { planted: MembershipService; url: string };
    expect(membership.status).toBe('closed');
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:(?!3000)/);
  });
});
